"""A few frames that stand for a clip, for models that are too slow to look at all of them.

Chosen by content as the clip goes by: of neighbours that look alike, one is dropped, so that what
appears for a moment in a corner is kept and a still picture is looked at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = np.ndarray[Any, np.dtype[np.uint8]]

LOOKS_A_SECOND = 4.0
"""What is shown for a quarter of a second is offered; less cannot be read anyway."""
CELLS = (12, 16)
"""Rows and columns of what frames are compared by."""
SAME_LEVELS = 2.0
"""Frames whose cells differ by less look alike: codecs redraw so much of a still."""
MOST_LINES = 720
"""Larger frames are averaged down before they are kept: 16 of them are 44 MB."""


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """A frame, (h, w, 3) uint8 RGB, and when it is shown."""

    seconds: float
    frame: Pixels


class FrameChooser:
    """Keeps at most ``most`` frames, whatever the clip's length."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: list[Chosen] = []
        self._looks: list[NDArray[np.float32]] = []
        self._steps: list[float] = []
        self._next = 0.0

    def see(self, seconds: float, frame: Pixels) -> None:
        """One more frame, (H, W, 3) uint8 RGB, in order of time."""
        if seconds < self._next:
            return
        self._next = seconds + 1 / LOOKS_A_SECOND - 1e-6
        look = _describe(frame)
        step = float(np.abs(look - self._looks[-1]).max()) if self._looks else np.inf
        if step < SAME_LEVELS:
            return
        self._kept.append(Chosen(seconds, _shrink(frame)))
        self._looks.append(look)
        self._steps.append(step)
        if len(self._kept) > self._most:
            self._drop()

    def choose(self) -> list[Chosen]:
        """The frames kept, in order of time."""
        return list(self._kept)

    def _drop(self) -> None:
        """Leave out the frame that differs the least from the one before; never the first."""
        at = min(range(1, len(self._kept)), key=lambda n: self._steps[n])
        del self._kept[at], self._looks[at], self._steps[at]
        if at < len(self._looks):
            self._steps[at] = float(np.abs(self._looks[at] - self._looks[at - 1]).max())


def _describe(frame: Pixels) -> NDArray[np.float32]:
    """Mean brightness and mean strength of strokes in each cell, (2, rows, columns) levels."""
    gray = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY)
    scale = 240 / min(gray.shape)
    if scale < 1:
        size = (max(1, round(gray.shape[1] * scale)), max(1, round(gray.shape[0] * scale)))
        gray = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    strokes = cv2.absdiff(gray, cv2.blur(gray, (5, 5)))
    rows, columns = CELLS
    cells = [
        cv2.resize(each.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
        for each in (gray, strokes)
    ]
    return np.stack(cells)


def _shrink(frame: Pixels) -> Pixels:
    scale = MOST_LINES / min(frame.shape[:2])
    if scale >= 1:
        return frame.copy()
    size = (round(frame.shape[1] * scale), round(frame.shape[0] * scale))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
