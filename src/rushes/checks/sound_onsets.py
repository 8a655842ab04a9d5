"""When sounds begin: rises of energy in four bands, found in windows of 20 ms, 5 ms apart."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rushes.checks.matching import Onset

Samples = np.ndarray[Any, np.dtype[np.float32]]

HOP_SECONDS = 0.005
WINDOW_SECONDS = 0.02
BANDS_HERTZ = (40.0, 250.0, 900.0, 3500.0, 8000.0)
"""Edges: thumps, voices, consonants and clicks."""
BEFORE_HOPS = 12
"""A rise is held against the loudest of the 60 ms before it: beats of a tone are none."""
RISE_DB = 8.0
"""A rise of less is not heard as a beginning in going sound."""
LOUDER_DB = 1.0
"""... and the sound as a whole must rise: the end of a tone splashes into other bands too."""
FLOOR_DB = -50.0
"""Nothing quieter than this (of full scale, in a band) begins."""
APART_SECONDS = 0.09
"""Beginnings closer together are one: of several bands, or an attack and what follows."""
MAX_SECONDS = 600.0
"""Sound after ten minutes is not kept, so that memory stays bounded."""


class SoundOnsets:
    """Keeps four numbers for every 5 ms."""

    def __init__(self) -> None:
        self._rest: NDArray[np.float32] = np.zeros(0, np.float32)
        self._start: float | None = None
        self._rate = 0
        self._bands: list[NDArray[np.float32]] = []

    def hear(self, seconds: float, samples: Samples, rate: int) -> None:
        """One more block, (n, channels) float32; all at the first one's rate."""
        if rate <= 0 or (self._rate and rate != self._rate) or not samples.size:
            return
        if self._start is None:
            self._start, self._rate = seconds, rate
        if len(self._bands) * HOP_SECONDS > MAX_SECONDS:
            return
        mono = np.nan_to_num(samples.mean(axis=1, dtype=np.float32))
        self._rest = np.concatenate([self._rest, mono])
        hop, size = self._hop(), max(8, round(WINDOW_SECONDS * rate))
        count = max(0, (len(self._rest) - size) // hop + 1)
        if count:
            views = np.lib.stride_tricks.sliding_window_view(self._rest, size)[::hop][:count]
            self._bands.extend(_measure_bands(views, rate))
            self._rest = self._rest[count * hop :]

    def find(self) -> list[Onset]:
        """Beginnings in order; ``strength`` is the rise in decibels over 30, 0 to 1."""
        if len(self._bands) < 2 or self._start is None:
            return []
        bands = np.stack(self._bands)
        levels = _to_levels(np.concatenate([bands, bands.sum(axis=1, keepdims=True)], axis=1))
        padded = np.concatenate([np.full((BEFORE_HOPS, levels.shape[1]), FLOOR_DB), levels])
        before = np.lib.stride_tricks.sliding_window_view(padded, BEFORE_HOPS, axis=0)[:-1].max(
            axis=2
        )
        ahead = np.maximum(levels, np.roll(levels, -2, axis=0))
        ahead = np.maximum(ahead, np.roll(levels, -4, axis=0))
        ahead[-4:] = levels[-4:]
        heights = ahead - before
        rises = (levels - before > 1.0) & (heights >= RISE_DB)
        louder = heights[:, -1] >= LOUDER_DB
        return self._pick(heights[:, :-1].max(axis=1) * rises[:, :-1].any(axis=1) * louder)

    def _pick(self, strength: NDArray[Any]) -> list[Onset]:
        """The first hop of each rise, one in ``APART_SECONDS``, as strong as it gets."""
        found: list[Onset] = []
        hop = self._hop() / self._rate
        # a window shows a sound when a quarter of it does
        centre = (self._start or 0.0) + 0.75 * WINDOW_SECONDS
        for place in np.flatnonzero(strength >= RISE_DB):
            seconds = float(centre + place * hop)
            power = min(1.0, float(strength[place]) / 30.0)
            if found and seconds - found[-1].start < APART_SECONDS:
                best = max(found[-1].strength, power)
                found[-1] = Onset(found[-1].start, found[-1].end, best)
            else:
                found.append(Onset(seconds, seconds, power))
        return [onset for onset in found if onset.start > (self._start or 0.0) + WINDOW_SECONDS]

    def _hop(self) -> int:
        return max(1, round(HOP_SECONDS * self._rate))


def _to_levels(bands: NDArray[np.float32]) -> NDArray[Any]:
    """Decibels of full scale, nothing below the floor."""
    return np.asarray(np.maximum(10 * np.log10(np.maximum(bands, 1e-12)), FLOOR_DB))


def _measure_bands(windows: NDArray[np.float32], rate: int) -> list[NDArray[np.float32]]:
    """Mean square in each band, one row a window."""
    size = windows.shape[1]
    shape = np.hanning(size).astype(np.float32)
    spectrum = np.abs(np.fft.rfft(windows * shape, axis=1)) ** 2
    bins = np.fft.rfftfreq(size, 1 / rate)
    scale = 2 / (size * float((shape**2).sum()))
    edges = pairwise(BANDS_HERTZ)
    bands = [spectrum[:, (bins >= low) & (bins < high)].sum(axis=1) * scale for low, high in edges]
    return list(np.stack(bands, axis=1).astype(np.float32))
