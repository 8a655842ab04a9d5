"""Parts of bodies in a frame, by NudeNet's bundled detector (YOLOv8n at 320 pixels), on one thread.

The package's own class opens its session with as many threads as there are cores; here its model is
run as it does, on one. It gives its model blue first, and its confidences are of that.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from rushes.checks.chosen_frames import Pixels
from rushes.checks.packages import find_inside
from rushes.checks.sessions import open_session

SIDE = 320
BARE = {
    2: "buttocks",
    3: "a woman's breast",
    4: "a woman's genitals",
    6: "anus",
    14: "a man's genitals",
}
"""Classes of the model that count, by their place in its output; it tells 18 apart."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is surest to be bare, and how sure the detector is, 0 to 1."""

    name: str
    confidence: float


def find_bare(frame: Pixels) -> Part:
    """The surest bare part of a frame, (H, W, 3) uint8 RGB; confidence 0 where there is none."""
    session = open_session(find_inside("nudenet", "320n.onnx"))
    (output,) = session.run(None, {session.get_inputs()[0].name: _prepare(frame)})
    classes = np.asarray(output)[0, 4:]  # (18, boxes), after the four sides of each box
    best = {name: float(classes[place].max()) for place, name in BARE.items()}
    name = max(best, key=best.__getitem__)
    confidence = min(1.0, max(0.0, best[name]))
    return Part(name if confidence >= 0.25 else "", confidence)


def _prepare(frame: Pixels) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """(1, 3, 320, 320) float32 BGR in [0, 1], padded to a square at right and bottom."""
    height, width = frame.shape[:2]
    side = max(height, width)
    square = np.zeros((side, side, 3), np.uint8)
    square[:height, :width] = frame[..., ::-1]
    scaled = cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None].astype(np.float32) / 255)
