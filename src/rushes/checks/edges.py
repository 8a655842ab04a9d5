"""Edges and gradients of a frame, (H, W, 3) uint8 RGB, at the size at which they are seen."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = np.ndarray[Any, np.dtype[np.uint8]]

LINES = 480
"""Larger frames are averaged down to so many lines: what is soft beyond them is hardly seen."""
STRONG_LEVELS = 24.0
"""An edge has at least this contrast, of 255."""
REACH = 17
"""Side of the neighbourhood, in pixels, whose contrast an edge is held against: wider edges are
cut off there, and count as just so wide."""
SHARPEST = 0.25
"""The width of a frame is that of its edges at this quantile."""
MIDDLE = 0.7
"""An edge is measured where its slope is at least this share of the steepest around."""
FEW_PIXELS = 16
"""A frame with fewer pixels on edges has none to judge by."""

PLATEAU = 4
"""A band is at least this many pixels wide."""
BAND_LEVELS = (2, 12)
"""Steps from one band to the next; smaller ones are what 8 bits must make, larger ones edges."""
BANDS = 3
"""A staircase is so many steps in one direction, one after the other."""


def read_channel(frame: Pixels) -> Pixels:
    """(h, w) uint8 with at most ``LINES`` lines: the channel of R, G, B that varies the most, so
    that a yellow thing on white has edges."""
    _, spread = cv2.meanStdDev(frame)
    gray = np.ascontiguousarray(frame[..., int(spread.argmax())])
    scale = LINES / min(gray.shape)
    if scale < 1:
        size = (round(gray.shape[1] * scale), round(gray.shape[0] * scale))
        gray = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    return np.asarray(gray, dtype=np.uint8)


def measure_width(frame: Pixels) -> float:
    """Width of the frame's sharpest edges in pixels (0 where there are none).

    The width is contrast over slope; slopes are measured over two pixels, so that 2 is the least.
    """
    gray = read_channel(frame)
    kernel = np.ones((REACH, REACH), np.uint8)
    contrast = cv2.dilate(gray, kernel).astype(np.float32) - cv2.erode(gray, kernel)
    across = cv2.Sobel(gray, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    down = cv2.Sobel(gray, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    slope = np.hypot(across, down)
    steepest = cv2.dilate(slope, kernel)
    edge = (contrast >= STRONG_LEVELS) & (slope >= MIDDLE * steepest)
    if int(edge.sum()) < FEW_PIXELS:
        return 0.0
    widths = contrast[edge] / np.maximum(slope[edge], contrast[edge] / REACH)
    return float(np.quantile(widths, SHARPEST))


def share_banded(frame: Pixels) -> float:
    """Share of the picture's lines, along rows and columns, that are staircases of bands."""
    gray = read_channel(frame).astype(np.int16)
    shares = [_staircases(lines) for lines in (gray[::4], gray.T[::4])]
    return float(max(shares))


def _staircases(lines: NDArray[np.int16]) -> float:
    """Share of pixels of lines (n, w) that lie on staircases."""
    covered = total = 0
    for line in lines:
        total += len(line)
        covered += _stairs_of(line)
    return covered / max(1, total)


def _stairs_of(line: NDArray[np.int16]) -> int:
    """Pixels of one line on staircases: bands of one level each, stepping in one direction."""
    steps = np.diff(line)
    places = np.flatnonzero(steps)
    if len(places) < BANDS:
        return 0
    sizes = steps[places]
    wide = np.diff(places) >= PLATEAU
    small = (np.abs(sizes) >= BAND_LEVELS[0]) & (np.abs(sizes) <= BAND_LEVELS[1])
    linked = wide & small[1:] & small[:-1] & (np.sign(sizes[1:]) == np.sign(sizes[:-1]))
    edges = np.flatnonzero(np.diff(np.pad(linked.astype(np.int8), 1)))
    covered = 0
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if end - start >= BANDS - 1:
            covered += int(places[end] - places[start])
    return covered
