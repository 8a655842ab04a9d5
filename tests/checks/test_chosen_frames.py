"""Frames that stand for a clip."""

from __future__ import annotations

import numpy as np
from planted import CLEAN, FPS, slide

from rushes.checks.chosen_frames import FrameChooser


def test_a_still_is_looked_at_once_and_nothing_is_kept_without_end() -> None:
    still, moving = FrameChooser(6), FrameChooser(6)
    for n in range(400):
        still.see(n / FPS, CLEAN["slide-grey"][0])
        moving.see(n / FPS, CLEAN["pan"][n % 33])
    assert len(still.choose()) == 1
    assert len(moving.choose()) == 6
    times = [each.seconds for each in moving.choose()]
    assert times == sorted(times)
    assert times[0] == 0


def test_what_appears_for_a_moment_is_kept() -> None:
    chooser = FrameChooser(4)
    for n, frame in enumerate(slide("grey", 160)):
        shown = frame.copy()
        if 80 <= n < 86:
            shown[50:60:2, 5:60] = 255
        chooser.see(n / FPS, shown)
    assert any(80 <= each.seconds * FPS < 86 for each in chooser.choose())


def test_large_frames_are_made_smaller() -> None:
    chooser = FrameChooser(2)
    chooser.see(0.0, np.zeros((1440, 2560, 3), np.uint8))
    assert chooser.choose()[0].frame.shape == (720, 1280, 3)
