"""How much of a given picture is in a frame. Pictures and frames are (H, W, 3) uint8 RGB."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rushes.media import read_frames

Pixels = np.ndarray[Any, np.dtype[np.uint8]]

LINES = 48
"""Both are averaged down to so many lines: what a codec and a decoder of latents redraw, and a
shift of a hundredth of the picture, hardly count there."""
NOISE_LEVELS = 6.0
"""The error that coding makes; a picture of one colour has no more content than this."""
BINS = (6, 12, 12)
"""Of lightness and the two colour axes of CIELAB, into which colours are counted."""
NEAR = 22.0
"""Colours closer than this in CIELAB are the same in another light."""
LEAST_SHARE = 0.004
"""Of a frame: a colour that covers less is not found."""
GROUND_LEVELS = 16
"""A reference's ground, the colour of its border, is not looked for."""


def read_picture(path: Path, size: tuple[int, int] | None) -> Pixels:
    """The picture; with a ``size`` (height, width), its middle in these proportions, as models are
    given it."""
    picture: Pixels = next(iter(read_frames(path)))[1]
    if size is None:
        return picture
    height, width = size
    rows, columns = picture.shape[:2]
    high = min(rows, max(round(columns * height / width), 1))
    wide = min(columns, max(round(rows * width / height), 1))
    top, left = (rows - high) // 2, (columns - wide) // 2
    return picture[top : top + high, left : left + wide]


def rate_picture(picture: Pixels, frame: Pixels) -> float:
    """How much of what is in the picture is at its place in the frame, 0 to 1.

    One minus the error over the picture's own variation: a plain ground alone explains nothing, so
    a small thing that is missing counts as much as a large one.
    """
    scale = LINES / min(frame.shape[:2])
    size = (max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale)))
    given, seen = (
        cv2.resize(np.ascontiguousarray(each), size, interpolation=cv2.INTER_AREA).astype(
            np.float64
        )
        for each in (picture, frame)
    )
    content = float(given.reshape(-1, 3).var(axis=0).sum())
    error = max(0.0, float(((given - seen) ** 2).sum(axis=2).mean()) - 3 * NOISE_LEVELS**2)
    return max(0.0, 1 - error / max(content, 3 * NOISE_LEVELS**2))


def rate_colours(picture: Pixels, frame: Pixels) -> float:
    """Share of the picture's colours, its ground left out, that the frame has too, 0 to 1."""
    colours, weights = _list_colours(_leave_out_ground(picture))
    seen, shares = _list_colours(_to_lab(frame).reshape(-1, 3))
    if not len(colours) or not len(seen):
        return 0.0
    apart = np.linalg.norm(colours[:, None] - seen[None], axis=2)
    found = ((apart <= NEAR) * shares[None]).sum(axis=1) >= LEAST_SHARE
    return float(weights[found].sum() / weights.sum())


def _to_lab(picture: Pixels) -> NDArray[np.float32]:
    """(h, w, 3) float32 CIELAB of the picture made small: L 0 to 100, a and b about ±100."""
    scale = min(1.0, 4 * LINES / min(picture.shape[:2]))
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    small = cv2.resize(np.ascontiguousarray(picture), size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB))


def _leave_out_ground(picture: Pixels) -> NDArray[np.float32]:
    """(n, 3) CIELAB of what is not of the border's colour; all of it where that leaves nothing."""
    lab = _to_lab(picture)
    border = np.concatenate([lab[0], lab[-1], lab[:, 0], lab[:, -1]])
    ground = np.median(border, axis=0)
    pixels = lab.reshape(-1, 3)
    apart = pixels[np.linalg.norm(pixels - ground, axis=1) > GROUND_LEVELS]
    return apart if len(apart) >= 0.01 * len(pixels) else pixels


def _list_colours(pixels: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Middles of the bins of colour that are filled, (n, 3), and their shares of the pixels."""
    low, high = np.array([0.0, -110.0, -110.0]), np.array([100.0, 110.0, 110.0])
    counts, edges = np.histogramdd(
        np.clip(pixels, low, high - 1e-3), bins=BINS, range=list(zip(low, high, strict=True))
    )
    filled = np.argwhere(counts > 0)
    middles = [(edge[1:] + edge[:-1]) / 2 for edge in edges]
    colours = np.stack([middles[axis][filled[:, axis]] for axis in range(3)], axis=1)
    shares = counts[counts > 0] / max(1, len(pixels))
    return colours.astype(np.float64), shares.astype(np.float64)
