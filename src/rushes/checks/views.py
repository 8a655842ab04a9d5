"""What several checks want of a frame and of two neighbours, computed once for all of them.

Judges see the same arrays one after the other, so the last view and the last step are remembered
by identity; nothing else is kept. Frames are averaged down to ``SIDE`` rows or columns: checks look
for defects that cover areas, and motion between neighbours is found faster and better there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
Floats = NDArray[np.float32]

SIDE = 80
"""The shorter side of a view in pixels; smaller frames are taken as they are."""
NOISE_LEVELS = 6.0
"""Differences up to this (of 255) are what codecs redraw; libx264 at crf 28 stays below it on
averaged pixels."""

cv2.setNumThreads(1)  # DIS cuts its work by the number of threads, and its result follows


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A frame made small: ``rgb`` (h, w, 3) uint8, ``luma`` (h, w) uint8."""

    rgb: Pixels
    luma: Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """What happened from one view to the next.

    Args:
        flow: (h, w, 2) float32, where each pixel came from, in pixels of the view.
        shift: median change of brightness along the motion, levels.
        tint: (3,) float32, mean change of R, G, B along the motion where it was followed, levels.
        change: mean difference of colours beyond noise, the shift taken off, levels.
        residual: the same of brightness along the motion.
        travel: mean length of the flow, pixels.
    """

    flow: Floats
    shift: float
    tint: Floats
    change: float
    residual: float
    travel: float


_view: tuple[Pixels, View] | None = None
_step: tuple[View, View, Step] | None = None
_dis: Any = None


def look_at(frame: Pixels) -> View:
    """The view of a frame, (H, W, 3) uint8 RGB."""
    global _view
    last = _view
    if last is not None and last[0] is frame:
        return last[1]
    height, width = frame.shape[:2]
    scale = SIDE / min(height, width)
    rgb = np.ascontiguousarray(frame)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    view = View(rgb, cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))
    _view = (frame, view)
    return view


def compare(before: View, after: View) -> Step | None:
    """What happened between two views; None where their sizes differ."""
    global _step
    if before.luma.shape != after.luma.shape:
        return None
    last = _step
    if last is not None and last[0] is before and last[1] is after:
        return last[2]
    step = _measure(before, after)
    _step = (before, after, step)
    return step


def mean_colour(view: View) -> Floats:
    """Mean R, G, B of a view, (3,) float32 levels."""
    return np.array(cv2.mean(view.rgb)[:3], np.float32)


def _measure(before: View, after: View) -> Step:
    difference = after.luma.astype(np.float32) - before.luma
    shift = float(np.median(difference))
    change = _mean_beyond_noise(after.rgb.astype(np.float32) - before.rgb - np.float32(shift))
    flow = _find_flow(before.luma, after.luma, shift) if change > 0 else _no_flow(before.luma)
    came = _follow(before.rgb, flow).astype(np.float32)
    along = after.rgb.astype(np.float32) - came
    luma = cv2.transform(along, np.array([[0.299, 0.587, 0.114]], np.float32))
    middle = float(np.median(luma))
    followed = np.abs(luma - middle) <= NOISE_LEVELS
    tint = np.array(cv2.mean(along, followed.astype(np.uint8))[:3], np.float32)
    return Step(
        flow,
        middle,
        tint,
        change,
        _mean_beyond_noise(luma - middle),
        float(np.hypot(flow[..., 0], flow[..., 1]).mean()),
    )


def _mean_beyond_noise(difference: Floats) -> float:
    return float(np.maximum(np.abs(difference) - NOISE_LEVELS, 0).mean())


def _no_flow(luma: Pixels) -> Floats:
    return np.zeros((*luma.shape, 2), np.float32)


def _find_flow(before: Pixels, after: Pixels, shift: float) -> Floats:
    """Optical flow from ``after`` back to ``before`` by OpenCV's DIS, light evened out."""
    global _dis
    if min(before.shape) < 16:  # DIS needs a patch of 8 pixels at half size
        return _no_flow(before)
    if _dis is None:
        _dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    lit = np.clip(before.astype(np.float32) + shift, 0, 255).astype(np.uint8)
    return np.asarray(_dis.calc(after, lit, None), dtype=np.float32)


def _follow(picture: Pixels, flow: Floats) -> Pixels:
    """The picture drawn where the flow says that it went."""
    height, width = flow.shape[:2]
    columns, rows = np.meshgrid(
        np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    )
    return np.asarray(
        cv2.remap(
            picture, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        dtype=np.uint8,
    )  # fmt: skip
