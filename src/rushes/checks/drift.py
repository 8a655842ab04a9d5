"""drift: the colour of the picture wanders off over the clip, as in long chains of extensions.

Measured are the colours of what is followed along its motion (see ``levels``) and the mean colour
of the whole picture; the smaller of both changes counts. So a camera that turns to a darker wall is
no drift, and errors of following that add up are none; a wall that darkens is.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from rushes.checks.base import Expectation, Judge, Verdict
from rushes.checks.judging import HALF, NO_PICTURE, PictureJudge, rate_excess
from rushes.checks.levels import ColourTracker
from rushes.checks.timeline import Run, frame_seconds_of, is_joined, make_spans

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rushes.checks.base import Frame
    from rushes.media import MediaInfo

LEVELS = 25.0
"""Levels of a channel that fail: a tenth of the range, plain beside the first frame."""
WINDOW_SECONDS = 0.5
"""Levels are averaged over this, so that a flash is none."""
THRESHOLD = HALF


class DriftCheck:
    """Colours stay what they were."""

    name = "drift"
    version = 2
    about = "colours that wander off over the clip"

    def judge(self, info: MediaInfo, expect: Expectation | None) -> Judge:
        """A fresh judge for one file."""
        return DriftJudge(info, expect)


class DriftJudge(PictureJudge):
    """Keeps the levels of half a second."""

    def __init__(self, info: MediaInfo, expect: Expectation | None) -> None:
        self._info = info
        self._joins = expect.joins if expect is not None else ()
        self._step = frame_seconds_of(info)
        self._tracker = ColourTracker()
        self._recent: deque[tuple[float, NDArray[np.float32], NDArray[np.float32]]] = deque()
        self._worst = 0.0
        self._channel = 0
        self._since: float | None = None
        self._end = 0.0

    def see_frame(self, seconds: float, frame: Frame) -> None:
        joined = is_joined(seconds, self._joins, self._step)
        followed, whole = self._tracker.see(frame, ignore=joined), self._tracker.see_whole(frame)
        self._recent.append((seconds, followed, whole))
        while seconds - self._recent[0][0] >= WINDOW_SECONDS:
            self._recent.popleft()
        off = self._measure()
        if max(off) > self._worst:
            self._worst, self._channel = max(off), off.index(max(off))
        if max(off) > LEVELS and self._since is None:
            self._since = seconds
        self._end = seconds + self._step

    def _measure(self) -> list[float]:
        """Drift of each channel, averaged over the window, levels."""
        count = len(self._recent)
        off: list[float] = []
        for channel in range(3):
            followed = sum(float(level[channel]) for _, level, _ in self._recent) / count
            whole = sum(float(level[channel]) for _, _, level in self._recent) / count
            off.append(min(abs(followed), abs(whole)) if followed * whole > 0 else 0.0)
        return off

    def give_verdict(self) -> Verdict:
        seen = self._tracker.frames
        channel = ("red", "green", "blue")[self._channel]
        message = "colours stay what they were"
        if not seen:
            message = NO_PICTURE
        elif self._since is not None:
            message = f"{channel} drifts by {self._worst:.0f} levels"
        runs = [Run(self._since, self._end, f"{channel} is off")] if self._since is not None else []
        return Verdict(
            "drift",
            rate_excess(self._worst, LEVELS) if seen else 0.0,
            THRESHOLD,
            message,
            make_spans(runs, self._info),
            {"worst_levels": self._worst, "channel": channel, "frames": seen},
        )


CHECK = DriftCheck()
