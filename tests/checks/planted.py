"""Clean clips of several kinds, and the same with a defect of a given strength planted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rushes.media import AudioWriter, ExportFormat, FrameWriter, export_clip

FPS = 16
RATE = 16_000
SIZE = 64
GROUNDS = {"black": (8, 8, 8), "grey": (128, 128, 128), "white": (245, 245, 245)}

Frames = list[NDArray[np.uint8]]
Wave = NDArray[np.float32]


def draw_disc(ground: Sequence[int], x: float, y: float, radius: float = 9) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[:SIZE, :SIZE]
    frame = np.empty((SIZE, SIZE, 3), np.uint8)
    frame[:] = ground
    frame[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] = (225, 30, 35)
    return frame


def slide(ground: str, frames: int = 33) -> Frames:
    """A disc that goes from left to right and back, slowly."""
    turns = np.arange(frames) / FPS / 2.4
    return [draw_disc(GROUNDS[ground], 32 + 22 * np.sin(2 * np.pi * t), 30) for t in turns]


def blink(ground: str, frames: int = 33, period: float = 1.33, phase: float = 0.5) -> Frames:
    """A disc that is there for half of every period; radius 11 is a tenth of the picture."""
    lit = [(n / FPS / period + phase) % 1 < 0.5 for n in range(frames)]
    empty = np.full((SIZE, SIZE, 3), GROUNDS[ground][0], np.uint8)
    return [draw_disc(GROUNDS[ground], 30, 30, 11) if on else empty for on in lit]


def pulse(ground: str, frames: int = 33) -> Frames:
    """A disc that swells to a third of the picture and shrinks, twice a second."""
    radii = 14 + 6 * np.sin(2 * np.pi * 1.7 * np.arange(frames) / FPS)
    return [draw_disc(GROUNDS[ground], 32, 32, r) for r in radii]


def pan(frames: int = 33) -> Frames:
    """A textured scene that the camera pans over."""
    rng = np.random.default_rng(1)
    wide = rng.integers(0, 256, (8, 24, 3)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
    return [np.ascontiguousarray(wide[:, 2 * n : 2 * n + SIZE]) for n in range(frames)]


CLEAN = {
    **{f"slide-{ground}": slide(ground) for ground in GROUNDS},
    **{f"blink-{ground}": blink(ground) for ground in GROUNDS},
    "blink-fast": blink("grey", period=0.54),
    "pulse-black": pulse("black"),
    "pulse-white": pulse("white"),
    "pan": pan(),
}


def make_tone(seconds: float = 33 / FPS, gain: float = 0.5) -> Wave:
    t = np.arange(round(seconds * RATE)) / RATE
    return np.asarray(gain * np.sin(2 * np.pi * 440 * t)[:, None].repeat(2, axis=1), np.float32)


def make_beeps(seconds: float = 33 / FPS, every: float = 1.33, at: float = 1.0) -> Wave:
    """Beeps of 0.14 s, and nothing between."""
    t = np.arange(round(seconds * RATE)) / RATE
    return np.asarray(make_tone(seconds) * (((t - at) % every) < 0.14)[:, None], np.float32)


def make_clip(
    folder: Path,
    frames: Iterable[NDArray[np.uint8]],
    wave: Wave | None,
    crf: int = 18,
    name: str = "clip.mp4",
) -> Path:
    with FrameWriter(folder / "v.mkv", SIZE, SIZE, FPS) as pictures:
        for frame in frames:
            pictures.write(frame)
    audio = None
    if wave is not None:
        audio = folder / "a.wav"
        with AudioWriter(audio, RATE, wave.shape[1]) as sound:
            sound.write(wave)
    export_clip(folder / "v.mkv", audio, folder / name, ExportFormat(crf=crf, preset="veryfast"))
    return folder / name
