"""Reading what is given from files: pictures, and footage at the clip's own rate."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from rushes.errors import MediaError

if TYPE_CHECKING:
    from rushes.models.base import Frame

ROUNDING = 1e-3
"""Seconds by which a file's time stamps may be off."""


def read_picture(path: Path) -> Frame:
    """The first picture of a file, (H, W, 3) uint8 RGB."""
    from rushes.media import read_frames

    return next(read_frames(path))[1]


def read_clip(path: Path, count: int, fps: float, *, still: bool = False) -> list[Frame]:
    """The first ``count`` frames of a file at ``fps``, (H, W, 3) uint8 RGB.

    Args:
        still: a single picture is shown all the time.

    Raises:
        MediaError: it has fewer.
    """
    from rushes.media import read_frames

    frames = list(islice(at_rate(read_frames(path), fps), count))
    if still and len(frames) == 1:
        frames *= count
    _refuse_short(path, len(frames), count, fps)
    return frames


def read_tail(path: Path, count: int, fps: float) -> tuple[float, list[Frame]]:
    """The second at which the last ``count`` frames at ``fps`` begin, and these frames.

    Raises:
        MediaError: it has fewer.
    """
    from rushes.media import read_frames

    kept: deque[Frame] = deque(maxlen=count)
    total = 0
    for frame in at_rate(read_frames(path), fps):
        kept.append(frame)
        total += 1
    _refuse_short(path, len(kept), count, fps)
    return (total - len(kept)) / fps, list(kept)


def _refuse_short(path: Path, found: int, needed: int, fps: float) -> None:
    if found < needed:
        raise MediaError(
            f"{path.name} shows {found} frames at {fps:g} fps; {needed} are needed",
            where=str(path),
            hint="give a longer file, or make a shorter clip",
        )


def at_rate(frames: Iterable[tuple[float, Frame]], fps: float) -> Iterator[Frame]:
    """What is on the screen at 0, 1/fps, 2/fps and so on: frames are dropped or repeated.

    The last one is shown as long as the one before it.
    """
    number, shown, length = 0, None, 1 / fps
    begun = 0.0
    for seconds, frame in frames:
        while shown is not None and number / fps + ROUNDING < seconds:
            yield shown
            number += 1
        if shown is not None:
            length = seconds - begun
        shown, begun = frame, seconds
    while shown is not None and number / fps + ROUNDING < begun + length:
        yield shown
        number += 1
