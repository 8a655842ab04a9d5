"""Small media files for projects to be given."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from rushes.media import (
    AudioWriter,
    ExportFormat,
    FrameWriter,
    encode_clip,
    encode_image,
    export_clip,
    read_frames,
)


def write_picture(path: Path, colour: tuple[int, int, int] = (25, 175, 50), size: int = 64) -> Path:
    frame = np.full((size, size, 3), 128, np.uint8)
    frame[size // 3 : size // 2, size // 3 : size // 2] = colour
    path.write_bytes(encode_image(frame))
    return path


def write_sound(path: Path, seconds: float, rate: int = 16_000, channels: int = 2) -> Path:
    """Beeps of 50 ms every half second."""
    t = np.arange(round(seconds * rate)) / rate
    wave = 0.5 * np.sin(2 * np.pi * 880 * t) * (t % 0.5 < 0.05)
    with AudioWriter(path, rate, channels) as writer:
        writer.write(np.repeat(wave[:, None], channels, 1).astype(np.float32))
    return path


def write_clip(
    path: Path, seconds: float, fps: int = 16, size: int = 64, *, sound: bool = True
) -> Path:
    """A square that goes right, a pixel a frame, with beeps or without a sound track."""
    frames, wave = path.with_suffix(".frames.mkv"), path.with_suffix(".wav")
    with FrameWriter(frames, size, size, Fraction(fps)) as writer:
        for number in range(round(seconds * fps)):
            frame = np.full((size, size, 3), 128, np.uint8)
            left = number % (size - 16)
            frame[24:40, left : left + 16] = (225, 30, 35)
            writer.write(frame)
    pictures = (picture for _, picture in read_frames(frames))
    if sound:
        export_clip(frames, write_sound(wave, seconds), path, ExportFormat())
    else:
        encode_clip(pictures, Fraction(fps), None, 16_000, path, ExportFormat())
    return path
