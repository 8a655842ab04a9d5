"""Measurements on frames, (H, W, 3) uint8 RGB. Large frames are thinned first: checks look for
defects that cover areas, and a 4K film must not take longer to judge than to decode."""

from __future__ import annotations

from typing import Any

import cv2
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
    thin = np.ascontiguousarray(thin_frame(frame))
    lowest = tuple(max(0, value - levels) for value in colour)
    highest = tuple(min(255, value + levels) for value in colour)
    near = cv2.countNonZero(cv2.inRange(thin, lowest, highest))
    return float(1 - near / (thin.shape[0] * thin.shape[1]))


def average_cells(frame: Pixels) -> NDArray[np.float32]:
    """(h // 4, w // 4, 3) float32 means of 4x4 pixels of a thinned frame, in [0, 255].

    Lossy codecs redraw edges and grain of a still as they go; its cells' means hardly change.
    """
    thin = thin_frame(frame)
    side = min(CELL, *thin.shape[:2])
    rows, columns = thin.shape[0] // side, thin.shape[1] // side
    whole = thin[: rows * side, : columns * side].astype(np.float32)
    return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA))


def largest_change(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    """The largest difference of any cell in any channel, levels."""
    return float(np.abs(after - before).max())


def measure_content(before: Pixels, after: Pixels) -> float:
    """Mean change of hue (0 to 180), saturation and value, as PySceneDetect's ``ContentDetector``.

    Args:
        before, after: (h, w, 3) uint8 RGB of one size.
    """
    one, two = (cv2.cvtColor(picture, cv2.COLOR_RGB2HSV) for picture in (before, after))
    return float(np.mean(cv2.mean(cv2.absdiff(one, two))[:3]))


def share_changed(before: Pixels, after: Pixels, levels: int = 24) -> float:
    """Share of pixels that changed by more than ``levels`` in any channel, 0 to 1."""
    apart = cv2.absdiff(before, after).max(axis=2)
    return float((apart > levels).mean())
