"""Sampled frames as they are kept: a lossless video of them, and their times beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from rushes.errors import CorruptObject
from rushes.readers.base import Frames

SHOWN_PER_SECOND = 2
"""The video is for looking at; when frames are really shown stands in the times."""


class ReelTimes(msgspec.Struct, frozen=True):
    """When frames are shown, in seconds of the clip, and what could not be read of it."""

    seconds: tuple[float, ...]
    lost: tuple[str, ...] = ()


def write_reel(frames: Frames, folder: Path) -> dict[str, Path]:
    """The two files; nothing in them says which file it was."""
    from rushes.media import FrameWriter

    height, width = frames.pixels[0].shape[:2]
    video, times = folder / "frames.mkv", folder / "times.json"
    with FrameWriter(video, width, height, SHOWN_PER_SECOND) as writer:
        for pixels in frames.pixels:
            writer.write(pixels)
    times.write_bytes(msgspec.json.encode(ReelTimes(frames.seconds, frames.lost)))
    return {"frames": video, "times": times}


def read_times(path: Path) -> ReelTimes:
    """When the frames are shown."""
    return msgspec.json.decode(path.read_bytes(), type=ReelTimes)


def read_reel(files: Mapping[str, Path]) -> Frames:
    """The frames, bit for bit as they were sampled.

    Raises:
        CorruptObject: there are more or fewer of them than times.
    """
    from rushes.media import read_frames

    times = read_times(files["times"])
    pixels = tuple(picture for _, picture in read_frames(files["frames"]))
    if len(pixels) != len(times.seconds):
        raise CorruptObject(f"{len(pixels)} frames are kept, and {len(times.seconds)} times")
    return Frames(pixels, times.seconds, "the clip", times.lost)
