"""seam: the picture changes its colour or sharpness from one frame to the next, and keeps it.

That is how a badly joined extension looks. Where the plan knows the seams, only these are judged,
and half as much fails; in other clips every frame may be one.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from rushes.checks.base import Expectation, Judge, Span, Verdict
from rushes.checks.judging import HALF, NO_PICTURE, PictureJudge, rate_excess
from rushes.checks.levels import ColourTracker
from rushes.checks.timeline import frame_seconds_of, is_joined, within

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rushes.checks.base import Frame
    from rushes.media import MediaInfo

SIDE = 4
"""Frames before and after that are compared: a quarter of a second at 16 fps."""
LEVELS = 5.0
"""A lasting step of colour that fails at a frame that nobody named, of 255."""
KNOWN_LEVELS = 3.0
"""A lasting step that fails at a seam that the plan names; a step of 3 levels is just seen."""
STANDS_OUT = 2.0
"""Times the largest step around it: what wanders by itself, as light on what turns, is no seam."""
MAX_SPANS = 20
THRESHOLD = HALF


class SeamCheck:
    """No visible seam."""

    name = "seam"
    version = 2
    about = "lasting steps of colour from one frame to the next"

    def judge(self, info: MediaInfo, expect: Expectation | None) -> Judge:
        """A fresh judge for one file."""
        return SeamJudge(info, expect)


class SeamJudge(PictureJudge):
    """Keeps the levels of eight frames."""

    def __init__(self, info: MediaInfo, expect: Expectation | None) -> None:
        self._info = info
        self._joins = expect.joins if expect is not None else ()
        self._seams = expect.seams if expect is not None else ()
        self._limit = KNOWN_LEVELS if self._seams else LEVELS
        self._step = frame_seconds_of(info)
        self._tracker = ColourTracker()
        self._recent: deque[tuple[float, NDArray[np.float32]]] = deque(maxlen=2 * SIDE)
        self._worst = 0.0
        self._found: list[float] = []

    def see_frame(self, seconds: float, frame: Frame) -> None:
        joined = is_joined(seconds, self._joins, self._step)
        self._recent.append((seconds, self._tracker.see(frame, ignore=joined)))
        if len(self._recent) == 2 * SIDE:
            self._judge_middle()

    def give_verdict(self) -> Verdict:
        seen = self._tracker.frames
        message = "no lasting step of colour"
        if not seen:
            message = NO_PICTURE
        elif self._found:
            times = ", ".join(f"{seconds:.2f} s" for seconds in self._found[:5])
            message = f"colours step by up to {self._worst:.0f} levels at {times}"
        spans = (Span(max(0.0, at - self._step), at + self._step, "seam") for at in self._found)
        return Verdict(
            "seam",
            rate_excess(self._worst, self._limit) if seen else 0.0,
            THRESHOLD,
            message,
            within(spans, self._info),
            {"worst_levels": self._worst, "known_seams": len(self._seams), "frames": seen},
        )

    def _judge_middle(self) -> None:
        """The step in the middle counts as far as it is not undone, nor part of a slope."""
        import numpy as np

        times = [seconds for seconds, _ in self._recent]
        at = times[SIDE]
        if self._seams and not is_joined(at, [(s, s) for s in self._seams], self._step):
            return
        levels = np.stack([level for _, level in self._recent])
        before, after = levels[:SIDE], levels[SIDE:]
        step = np.abs(after[0] - before[-1])
        lasting = np.abs(after.mean(axis=0) - before.mean(axis=0))
        slope = np.maximum(
            np.abs(np.diff(before, axis=0)).max(0), np.abs(np.diff(after, axis=0)).max(0)
        )
        least = np.minimum(step, lasting)
        amount = float(np.sqrt(np.maximum(least**2 - (STANDS_OUT * slope) ** 2, 0)).max())
        self._worst = max(self._worst, amount)
        if amount > self._limit and len(self._found) < MAX_SPANS:
            self._found.append(at)


CHECK = SeamCheck()
