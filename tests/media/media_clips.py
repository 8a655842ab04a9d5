"""Small real files, made with the writers under test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rushes.media import AudioWriter, FrameWriter

FPS = 16
RATE = 16_000


def draw_ball(frames: int, width: int = 64, height: int = 64) -> Iterator[NDArray[np.uint8]]:
    """A red ball that slides over a blue gradient."""
    y, x = np.mgrid[:height, :width]
    ground = np.zeros((height, width, 3), np.uint8)
    ground[..., 2] = (x * 2) % 200
    for number in range(frames):
        frame = ground.copy()
        frame[(y - height / 2) ** 2 + (x - width / 4 - number) ** 2 < (height / 6) ** 2] = (
            225,
            30,
            35,
        )
        yield frame


def draw_tone(seconds: float, channels: int = 1, rate: int = RATE) -> NDArray[np.float32]:
    """A tone of 440 Hz, a little louder in each further channel."""
    t = np.arange(round(seconds * rate)) / rate
    gains = 0.3 + 0.1 * np.arange(channels)
    return np.asarray(np.sin(2 * np.pi * 440 * t)[:, None] * gains, np.float32)


def write_frames(to: Path, frames: Iterable[NDArray[np.uint8]], fps: int = FPS) -> Path:
    writer = None
    for frame in frames:
        if writer is None:
            writer = FrameWriter(to, frame.shape[1], frame.shape[0], fps)
        writer.write(frame)
    assert writer is not None
    writer.close()
    return to


def write_long_tone(to: Path, seconds: int) -> Path:
    """A tone, a second at a time."""
    block = draw_tone(1.0, 2)
    with AudioWriter(to, RATE, 2) as writer:
        for _ in range(seconds):
            writer.write(block)
    return to


def write_sound(to: Path, samples: NDArray[np.float32], rate: int = RATE, block: int = 777) -> Path:
    with AudioWriter(to, rate, samples.shape[1]) as writer:
        for start in range(0, len(samples), block):
            writer.write(samples[start : start + block])
    return to
