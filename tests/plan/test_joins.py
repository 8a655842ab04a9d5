"""Where films go from shot to shot, and long shots from window to window, is told to the checks."""

from __future__ import annotations

import pytest

from rushes.plan.joins import list_joins
from tests.plan.tools import plan_text


def test_cuts_are_moments_and_cross_fades_are_stretches() -> None:
    assert list_joins([16, 32, 16], 16.0, 0.0) == ((1.0, 1.0), (3.0, 3.0))
    assert list_joins([16, 32, 16], 16.0, 0.25) == ((0.75, 1.0), (2.5, 2.75))
    assert list_joins([16], 16.0, 0.5) == ()


def test_a_film_is_checked_with_its_joins_and_a_shot_without() -> None:
    plan = plan_text()
    film = plan.films[0].nodes["check"].params
    assert len(film.joins) == len(plan.films[0].film.shots) - 1  # type: ignore[attr-defined]
    start, end = film.joins[0]  # type: ignore[attr-defined]
    assert end - start == pytest.approx(plan.films[0].film.crossfade)
    for shot in plan.shots:
        params = shot.kept.nodes["check"].params
        assert params.joins == params.seams == ()  # type: ignore[attr-defined]
