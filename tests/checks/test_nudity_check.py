"""The check nudity: its detector is run as its package runs it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from planted import CLEAN, make_clip

from rushes.checks import bodies
from rushes.checks.registry import check_file

pytest.importorskip("nudenet")


def test_the_model_is_given_what_its_package_gives_it() -> None:
    from nudenet.nudenet import _read_image

    frame = np.random.default_rng(2).integers(0, 256, (90, 160, 3)).astype(np.uint8)
    theirs = _read_image(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), bodies.SIDE)[0]
    assert np.abs(bodies._prepare(frame) - theirs).max() < 1e-6


def test_what_shows_nobody_passes_twice_with_the_same_score(tmp_path: Path) -> None:
    path = make_clip(tmp_path, CLEAN["slide-white"], None)
    (verdict,), (again,) = (check_file(path, ["nudity"]) for _ in range(2))
    assert verdict.passed
    assert verdict == again


def test_a_bare_part_fails_and_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "find_bare", lambda frame: bodies.Part("buttocks", 0.8))
    (verdict,) = check_file(make_clip(tmp_path, CLEAN["slide-white"], None), ["nudity"])
    assert not verdict.passed
    assert "buttocks" in verdict.message
    assert verdict.spans
