"""What the page shows of a clip: eight frames, the wave and the spectrum, in one decode.

Memory does not grow with the clip's length.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rushes.checks.picture_onsets import PictureOnsets
from rushes.checks.sound_onsets import SoundOnsets
from rushes.media import Damage, FrameItem, SoundItem, encode_image, read_both

FRAMES = 8
CELL, POSTER = 160, 480
"""The longest side of a frame in the strip, and of the one that stands for the video."""

ONSET_SECONDS = 60.0
"""Onsets are drawn of the first minute: a picture's cost a flow a frame."""
GAP = 2
COLUMNS = 360
WINDOW = 512
ROWS = 72
RANGE_DB = 75.0
LOWEST_HZ = 60.0
WAVE_FLOOR = 0.02
"""The wave is drawn against its own peak, but never blown up beyond 1/50 of full scale."""

HEAT = ((14, 12, 11), (66, 30, 20), (156, 72, 26), (226, 150, 62), (250, 232, 196))
"""Colours of the spectrum from silence to full scale, RGB."""


@dataclass(frozen=True, slots=True)
class ClipSample:
    """Pictures of one clip.

    Args:
        poster: JPEG of the first frame, empty where none was decoded.
        strip: JPEG of ``len(times)`` frames side by side, empty where none was decoded.
        wave: the lowest and highest sample of each column, (COLUMNS, 2) float in [-1, 1] where 1
            is ``peak``; None without sound.
        spectrum: JPEG, low frequencies at the bottom; empty without sound.
        damage: where decoding found something broken, in seconds.
        thumb: JPEG of the frame in the middle, empty where none was decoded.
        seen, heard: seconds at which something begins in picture and sound.
    """

    poster: bytes
    strip: bytes
    times: tuple[float, ...]
    wave: NDArray[np.float64] | None
    peak: float
    spectrum: bytes
    damage: tuple[Damage, ...]
    thumb: bytes = b""
    seen: tuple[float, ...] = ()
    heard: tuple[float, ...] = ()


def sample_clip(path: Path, frames: int, seconds: float) -> ClipSample:
    """Decode a clip once and draw it.

    Args:
        frames: how many it should have; decides which are picked.
        seconds: how long it should be.

    Raises:
        MediaError: it cannot be opened.
    """
    wanted = {int((n + 0.5) * frames / FRAMES) for n in range(FRAMES)} if frames else {0}
    cells: list[NDArray[np.uint8]] = []
    times: list[float] = []
    damage: list[Damage] = []
    sound: _Sound | None = None
    index, poster = 0, b""
    onsets = _Onsets()
    for item in read_both(path, damage.append):
        if isinstance(item, FrameItem):
            if index == 0:
                poster = encode_image(shrink_frame(item.pixels, POSTER), "jpeg", 82)
            if index in wanted:
                cells.append(shrink_frame(item.pixels, CELL))
                times.append(item.seconds)
            index += 1
            onsets.see(item)
        else:
            onsets.hear(item)
            sound = sound or _Sound(round(seconds * item.rate), item.rate)
            sound.hear(round(item.seconds * item.rate), item.samples)
    return ClipSample(
        poster=poster,
        strip=_join_cells(cells) if cells else b"",
        times=tuple(times),
        wave=None if sound is None else sound.draw_wave(),
        peak=0.0 if sound is None else sound.peak,
        spectrum=b"" if sound is None else encode_image(sound.draw_spectrum(), "jpeg", 80),
        damage=tuple(damage),
        thumb=encode_image(cells[len(cells) // 2], "jpeg", 82) if cells else b"",
        seen=onsets.seen(),
        heard=onsets.heard(),
    )


def shrink_frame(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Average whole blocks, so that (H, W, 3) uint8 has no side longer than ``side``."""
    height, width = pixels.shape[:2]
    factor = max(1, -(-width // side), -(-height // side))
    rows, columns = max(1, height // factor), max(1, width // factor)
    cut = pixels[: rows * factor, : columns * factor]
    if cut.shape[0] != rows * factor or cut.shape[1] != columns * factor:
        return cut[:rows, :columns]
    blocks = cut.reshape(rows, factor, columns, factor, 3).astype(np.float32)
    return np.asarray(blocks.mean(axis=(1, 3)).round(), dtype=np.uint8)


def _join_cells(cells: list[NDArray[np.uint8]]) -> bytes:
    """Frames side by side, with half a gap at either end so that each is centred in its share."""
    height, width = cells[0].shape[:2]
    pitch = width + GAP
    strip = np.full((height, pitch * len(cells), 3), 14, dtype=np.uint8)
    for number, cell in enumerate(cells):
        if cell.shape == cells[0].shape:
            left = number * pitch + GAP // 2
            strip[:, left : left + width] = cell
    return encode_image(strip, "jpeg", 82)


class _Onsets:
    """Where something begins in picture and sound, as the check ``sync`` finds it."""

    def __init__(self) -> None:
        self._picture, self._sound = PictureOnsets(), SoundOnsets()
        self._frames = self._blocks = 0

    def see(self, item: FrameItem) -> None:
        if item.seconds <= ONSET_SECONDS:
            self._frames += 1
            self._picture.see(item.seconds, item.pixels)

    def hear(self, item: SoundItem) -> None:
        if item.seconds <= ONSET_SECONDS:
            self._blocks += 1
            self._sound.hear(item.seconds, item.samples, item.rate)

    def seen(self) -> tuple[float, ...]:
        return tuple(onset.start for onset in self._picture.find()) if self._frames else ()

    def heard(self) -> tuple[float, ...]:
        return tuple(onset.start for onset in self._sound.find()) if self._blocks else ()


class _Sound:
    """Hears a clip block by block; keeps extremes and one window for each column."""

    def __init__(self, total: int, rate: int) -> None:
        self.peak = 0.0
        self._rate = rate
        self._total = max(total, 1)
        self._low = np.zeros(COLUMNS)
        self._high = np.zeros(COLUMNS)
        self._windows = np.zeros((COLUMNS, WINDOW))
        centres = (np.arange(COLUMNS) + 0.5) * self._total / COLUMNS
        self._starts = centres.astype(np.int64) - WINDOW // 2

    def hear(self, begin: int, samples: NDArray[np.float32]) -> None:
        """Samples (n, channels) float32 from sample ``begin`` on; channels are mixed evenly."""
        mono = np.nan_to_num(samples.mean(axis=1, dtype=np.float64), posinf=1.0, neginf=-1.0)
        mono, begin = mono[max(-begin, 0) :], max(begin, 0)
        end = begin + len(mono)
        if not len(mono):
            return
        self.peak = max(self.peak, float(np.abs(mono).max()))
        columns = np.arange(begin, end) * COLUMNS // self._total
        inside = columns < COLUMNS
        np.minimum.at(self._low, columns[inside], mono[inside])
        np.maximum.at(self._high, columns[inside], mono[inside])
        first = int(np.searchsorted(self._starts, begin - WINDOW, "right"))
        last = int(np.searchsorted(self._starts, end, "left"))
        for column in range(first, last):
            start = int(self._starts[column])
            left, right = max(begin, start), min(end, start + WINDOW)
            self._windows[column, left - start : right - start] = mono[left - begin : right - begin]

    def draw_wave(self) -> NDArray[np.float64]:
        """(COLUMNS, 2) lowest and highest, against the peak."""
        return np.stack([self._low, self._high], axis=1) / max(self.peak, WAVE_FLOOR)

    def draw_spectrum(self) -> NDArray[np.uint8]:
        """(ROWS, COLUMNS, 3) uint8: decibels below full scale, frequency in octaves."""
        hann = np.hanning(WINDOW)
        power = np.abs(np.fft.rfft(self._windows * hann, axis=1)) / (hann.sum() / 2)
        level = 1 + 20 * np.log10(np.maximum(power, 1e-9)) / RANGE_DB
        highest = self._rate / 2
        hertz = np.geomspace(min(LOWEST_HZ, highest / 2), highest, ROWS)
        position = hertz / highest * (power.shape[1] - 1)
        below = np.minimum(position.astype(np.int64), power.shape[1] - 2)
        share = position - below
        rows = level[:, below] * (1 - share) + level[:, below + 1] * share
        return _paint(np.clip(rows.T[::-1], 0.0, 1.0))


def _paint(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Values in [0, 1] to colours of ``HEAT``."""
    stops = np.linspace(0.0, 1.0, len(HEAT))
    channels = [np.interp(values, stops, [colour[c] for colour in HEAT]) for c in range(3)]
    return np.asarray(np.stack(channels, axis=-1).round(), dtype=np.uint8)
