"""Looped picture: a stretch that is shown again and again, with a break where it begins anew.

What swings or turns comes back to where it was as well, but smoothly; what blinks rests between. A
loop is a return of all of the picture, frame for frame, from a place where motion breaks off.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MEMORY_FRAMES = 128
"""Loops of up to so many frames are found: five seconds at 24 a second."""
SAME_LEVELS = 2.0
"""Cells of a repeated frame differ by less in the mean, however it was encoded."""
SAME_SHARE = 0.5
"""One cell of a repeated frame differs by less than this share of what one step changes: codecs
redraw a strong texture by more than ``MOVED_LEVELS``."""
SAME_MEAN = 0.1
"""... and all of its cells, in the mean, by less than this share of it."""
STILL_LEVELS = 0.02
"""A step of less, in the mean, is none."""
MOVED_LEVELS = 18.0
"""A cell that changed by more has moved; as in ``frozen``."""
BREAK_TIMES = 1.3
"""Where the stretch begins anew, more changes than so many times the largest step inside it."""
SUDDEN_BREAK_TIMES, SUDDEN_TIMES = 1.1, 2.0
"""... or than so many times, where it is also so many times the step just before: what swings
comes back no faster than it went."""
LEAST_FRAMES = 6
"""A shorter loop is a flicker or a stutter."""


class LoopFinder:
    """Told the cells of each frame; gives the seconds that only repeat what was seen."""

    def __init__(self) -> None:
        self._frames: deque[tuple[float, NDArray[np.float32], float]] = deque(maxlen=MEMORY_FRAMES)
        self._largest: deque[float] = deque(maxlen=MEMORY_FRAMES)
        self._period = 0
        self._length = 0
        self._start = 0.0
        self.repeats: list[tuple[float, float]] = []

    def see(self, seconds: float, cells: NDArray[np.float32]) -> None:
        """``cells``: (h, w, 3) float32 means of the frame, in [0, 255]."""
        import numpy as np

        last = self._frames[-1][1] if self._frames else None
        fits = last is not None and last.shape == cells.shape
        step = np.abs(cells - last) if last is not None and fits else np.zeros(1)
        change = float(step.mean())
        if last is not None and not fits:
            self._frames.clear()
            self._largest.clear()
        if self._period and self._same(cells, self._period):
            self._length += 1
        else:
            self._close(seconds)
            self._find(seconds, cells, change)
        self._frames.append((seconds, cells, change))
        self._largest.append(float(step.max()))

    def finish(self, end: float) -> list[tuple[float, float]]:
        """Close what is open at the end of the clip."""
        self._close(end)
        return self.repeats

    def _same(self, cells: NDArray[np.float32], back: int) -> bool:
        import numpy as np

        if back > len(self._frames):
            return False
        off = np.abs(self._frames[-back][1] - cells)
        steps = list(self._largest)[-LEAST_FRAMES:]
        limit = max(MOVED_LEVELS, SAME_SHARE * float(np.median(steps)) if steps else 0.0)
        usual = float(np.median([step for _, _, step in list(self._frames)[-LEAST_FRAMES:]]))
        mean = max(SAME_LEVELS, SAME_MEAN * usual)
        return float(off.mean()) <= mean and float(off.max()) <= limit

    def _find(self, seconds: float, cells: NDArray[np.float32], change: float) -> None:
        """A loop begins anew where the picture breaks off and is again what it was."""
        import numpy as np

        steps = [step for _, _, step in self._frames]
        if len(steps) < LEAST_FRAMES:
            return
        times = SUDDEN_BREAK_TIMES if change > SUDDEN_TIMES * steps[-1] else BREAK_TIMES
        if change <= times * max(steps[-LEAST_FRAMES:]):
            return
        if float(np.abs(self._frames[-1][1] - cells).max()) <= MOVED_LEVELS:
            return
        for back in range(LEAST_FRAMES, len(self._frames) + 1):
            inside = steps[1 - back :]
            moving = float(np.median(inside)) > STILL_LEVELS
            if moving and change > times * max(inside) and self._same(cells, back):
                self._period, self._length, self._start = back, 1, seconds
                return

    def _close(self, seconds: float) -> None:
        """A return that lasts for half of its period is a loop."""
        if self._period and self._length >= max(LEAST_FRAMES, self._period // 2):
            self.repeats.append((self._start, seconds))
        self._period = self._length = 0


def total_seconds(repeats: list[tuple[float, float]]) -> float:
    """Seconds that repeat."""
    return sum(end - start for start, end in repeats)
