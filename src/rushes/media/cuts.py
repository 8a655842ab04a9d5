"""Where one scene of a file ends and another begins.

Every frame is decoded and made small; a cut is where two neighbours differ much, and much more
than the frames around them do: quick motion and flicker are not cuts. A fade is none either.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rushes.media.reading import OnDamage
from rushes.media.seeking import FrameCursor

SIDE = 32
"""Pixels a side of what is compared: camera shake and noise are gone at this size."""
LEAST = 14.0
"""Levels of 255 by which frames differ on average across a cut, at least. Two unrelated frames of
the same room in the same light are about this far apart."""
TIMES = 4.0
"""A cut differs so many times as much as the frames around it."""
AROUND = 6
"""Frames on each side that it is compared with."""


def find_cuts(
    path: str | Path,
    start_seconds: float = 0.0,
    end_seconds: float | None = None,
    on_damage: OnDamage | None = None,
) -> list[float]:
    """Seconds at which scenes begin, the first frame's included, up to ``end_seconds``.

    Eight bytes a frame are kept. The last entry is the time of the last frame, not of a scene.

    Raises:
        MediaError: not a media file, without a picture, or damaged and nobody listens.
    """
    times: list[float] = []
    steps: list[float] = []
    last: np.ndarray | None = None
    with FrameCursor(path, on_damage) as cursor:
        still = cursor.find_next(start_seconds)
        while still is not None and (end_seconds is None or still.seconds < end_seconds):
            small = still.read_thumbnail(SIDE).astype(np.int16)
            steps.append(0.0 if last is None else float(np.abs(small - last).mean()))
            times.append(still.seconds)
            last = small
            still = cursor.find_next(still.seconds)
    if not times:
        return []
    return [times[0], *(times[k] for k in pick_cuts(steps)), times[-1]]


def pick_cuts(steps: list[float]) -> list[int]:
    """Numbers of the frames that begin a scene, by how far each is from the one before."""
    values = np.asarray(steps)
    found = []
    for k in np.flatnonzero(values >= LEAST):
        beside = np.concatenate([values[max(k - AROUND, 1) : k], values[k + 1 : k + 1 + AROUND]])
        usual = float(np.median(beside)) if len(beside) else 0.0
        if values[k] >= TIMES * usual:
            found.append(int(k))
    return found
