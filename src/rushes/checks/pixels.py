"""Measurements on frames, (H, W, 3) uint8 RGB. Large frames are thinned first: checks look for
defects that cover areas, and a 4K film must not take longer to judge than to decode."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = np.ndarray[Any, np.dtype[np.uint8]]

THIN_SIDE = 240
"""Rows or columns that are looked at, at least, where a frame has that many."""
CELL = 4
"""Side of the cells of ``average_cells``, in pixels of the thinned frame."""


def thin_frame(frame: Pixels, side: int = THIN_SIDE) -> Pixels:
    """Every k-th row and column, so that the shorter side keeps ``side`` or more."""
    step = max(1, min(frame.shape[:2]) // side)
    return frame[::step, ::step]


def read_luma(frame: Pixels) -> NDArray[np.float32]:
    """(h, w) float32 brightness of a thinned frame in [0, 255], weights of BT.601."""
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    return np.asarray(thin_frame(frame) @ weights, dtype=np.float32)


def find_ground(frame: Pixels) -> tuple[int, int, int]:
    """The median of each channel: the colour of a plain background."""
    flat = thin_frame(frame, THIN_SIDE // 2).reshape(-1, 3)
    red, green, blue = np.median(flat, axis=0)
    return int(red), int(green), int(blue)


def share_apart(frame: Pixels, colour: tuple[int, int, int], levels: int) -> float:
    """Share of pixels that are more than ``levels`` off a colour in any channel, 0 to 1."""
    apart = np.abs(thin_frame(frame).astype(np.int16) - np.array(colour, np.int16))
    return float((apart.max(axis=2) > levels).mean())


def average_cells(frame: Pixels) -> NDArray[np.float32]:
    """(h // 4, w // 4, 3) float32 means of 4x4 pixels of a thinned frame, in [0, 255].

    Lossy codecs redraw edges and grain of a still as they go; its cells' means hardly change.
    """
    thin = thin_frame(frame)
    side = min(CELL, *thin.shape[:2])
    rows, columns = thin.shape[0] // side, thin.shape[1] // side
    cells = thin[: rows * side, : columns * side].reshape(rows, side, columns, side, 3)
    return np.asarray(cells.mean(axis=(1, 3), dtype=np.float32))


def largest_change(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    """The largest difference of any cell in any channel, levels."""
    return float(np.abs(after - before).max())


def shift_of_most(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    """The median change of brightness, levels: objects that move or blink do not sway it."""
    return float(np.median(after - before))
