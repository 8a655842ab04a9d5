"""Sound moved against its picture: the offset is found, said with its sign, and judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted import FPS, GROUNDS, RATE, Frames, Wave, blink, draw_disc, make_clip, make_tone, slide

from rushes.checks.base import Verdict
from rushes.checks.matching import GRID_SECONDS, Onset, find_offset
from rushes.checks.registry import check_file

TIMES = (0.47, 1.03, 1.42, 2.29, 2.74)
"""Moments that have no period, and lie between frames as moments do: one on a frame lies at
the very edge of the interval in which it can have been."""


def flashes(times: tuple[float, ...] = TIMES, fps: int = FPS, seconds: float = 3.5) -> Frames:
    empty = np.full((64, 64, 3), 40, np.uint8)
    lit = draw_disc((40,) * 3, 32, 32, 14)
    shown = [any(t <= n / fps < t + 0.2 for t in times) for n in range(round(seconds * fps))]
    return [lit if on else empty for on in shown]


def beeps(times: tuple[float, ...] = TIMES, seconds: float = 3.5, late: float = 0.0) -> Wave:
    t = np.arange(round(seconds * RATE)) / RATE
    wave = sum(
        0.5 * np.sin(2 * np.pi * 1000 * t) * ((t >= at + late) & (t < at + late + 0.12))
        for at in times
    )
    return np.asarray(wave)[:, None].repeat(2, 1).astype(np.float32)


def judge(folder: Path, frames: Frames, wave: Wave | None) -> Verdict:
    (verdict,) = check_file(make_clip(folder, frames, wave), ["sync"])
    return verdict


@pytest.mark.parametrize("late_ms", [-400, -200, -100, 0, 50, 100, 200, 300, 400])
def test_planted_offsets_are_measured_and_judged(tmp_path: Path, late_ms: int) -> None:
    verdict = judge(tmp_path, flashes(), beeps(late=late_ms / 1000))
    assert verdict.evidence["confidence"] >= 0.5
    assert verdict.evidence["offset_ms"] == pytest.approx(-late_ms, abs=20)
    low, high = verdict.evidence["offset_low_ms"], verdict.evidence["offset_high_ms"]
    assert low <= verdict.evidence["offset_ms"] <= high
    assert verdict.passed is (late_ms in (0, 50, 100))
    if late_ms not in (0, 50, 100):
        assert ("late" if late_ms > 0 else "early") in verdict.message
        assert verdict.spans


def bounce(times: tuple[float, ...]) -> Frames:
    """A disc that falls to the ground at these moments, and flies up from it."""
    frames = []
    for n in range(round(3.5 * FPS)):
        t = n / FPS
        before = max((at for at in times if at <= t), default=times[0] - 0.7)
        after = min((at for at in times if at > t), default=times[-1] + 0.8)
        share = (t - before) / (after - before)
        height = 160 * (after - before) ** 2 * share * (1 - share)
        frames.append(draw_disc(GROUNDS["grey"], 32, 52 - min(40, height), 8))
    return frames


@pytest.mark.parametrize("late_ms", [-150, 0, 250])
def test_what_strikes_the_ground_is_matched_with_its_thumps(tmp_path: Path, late_ms: int) -> None:
    times = (0.4, 1.05, 1.5, 2.3, 2.8)
    verdict = judge(tmp_path, bounce(times), beeps(times, late=late_ms / 1000))
    assert verdict.evidence["offset_ms"] == pytest.approx(-late_ms, abs=20)
    assert verdict.passed is (late_ms == 0)


@pytest.mark.parametrize(
    ("late_ms", "passed"), [(-100, False), (0, True), (60, True), (200, False)]
)
def test_a_steady_beat_that_fits_at_no_small_offset_fails(
    tmp_path: Path, late_ms: int, passed: bool
) -> None:
    """Which of two offsets it is cannot be told; that it is neither of the small ones can."""
    times = (0.41, 0.98, 1.55)
    wave = beeps(times, 33 / FPS, late=late_ms / 1000)
    verdict = judge(tmp_path, flashes(times, seconds=33 / FPS), wave)
    assert verdict.passed is passed


def test_a_moment_of_rest_in_flight_is_no_beginning(tmp_path: Path) -> None:
    times = tuple(0.3 + 0.58 * n for n in range(5))
    verdict = judge(tmp_path, bounce(times), beeps(times))
    assert verdict.evidence["picture_onsets"] == len(times)


def test_without_onsets_it_passes_with_low_confidence(tmp_path: Path) -> None:
    for frames, wave in (
        (slide("grey"), make_tone()),
        (blink("grey"), None),
        (flashes(), make_tone(3.5)),
    ):
        verdict = judge(tmp_path, frames, wave)
        assert verdict.passed
        assert verdict.evidence["confidence"] < 0.4


def test_sound_that_has_nothing_to_do_with_the_picture_is_not_measured(tmp_path: Path) -> None:
    verdict = judge(tmp_path, flashes(), beeps((0.2, 0.62, 1.81, 2.02, 3.1)))
    assert verdict.passed
    assert "no confident measurement" in verdict.message


def test_a_still_picture_over_sound_fails(tmp_path: Path) -> None:
    verdict = judge(tmp_path, [draw_disc((90,) * 3, 30, 30)] * 56, beeps())
    assert not verdict.passed
    assert "still picture" in verdict.message
    assert judge(tmp_path, [draw_disc((90,) * 3, 30, 30)] * 33, make_tone()).passed


# matching alone


def points(times: list[float]) -> list[Onset]:
    return [Onset(t, t, 1.0) for t in times]


@given(
    st.lists(st.floats(0, 30), min_size=3, max_size=12, unique=True),
    st.integers(-80, 80).map(lambda n: n * GRID_SECONDS),
)
def test_any_offset_fits_as_well_as_any_other(times: list[float], offset: float) -> None:
    times = sorted(times)
    moved = find_offset(points(times), points([t + offset for t in times]))
    assert moved is not None
    assert 0 <= moved.confidence <= 1
    assert moved.low <= moved.seconds <= moved.high
    if moved.confidence > 0.6:
        assert moved.seconds == pytest.approx(offset, abs=0.02)


def test_what_could_not_be_noticed_is_not_missed() -> None:
    """Sound that is 200 ms late has its last beginning after the end of the clip."""
    seen, heard = points([0.5, 1.1, 1.9]), points([0.7, 1.3])
    blind, told = find_offset(seen, heard), find_offset(seen, heard, (0, 0), (0, 2), (0, 2))
    assert blind is not None
    assert told is not None
    assert told.seconds == pytest.approx(0.2, abs=0.02)
    assert told.fit > blind.fit


def test_nothing_gives_nothing() -> None:
    assert find_offset([], points([1.0])) is None
    assert find_offset(points([1.0]), []) is None
    assert find_offset(points([1.0]), points([5.0])) is None


def test_a_period_leaves_doubt() -> None:
    beats = [0.5 * n for n in range(8)]
    found = find_offset(points(beats), points([t + 0.25 for t in beats]))
    assert found is not None
    assert found.confidence < 0.4
