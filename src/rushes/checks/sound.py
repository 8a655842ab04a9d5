"""Measurements on blocks of sound, (n, channels) float32 with full scale ±1."""

from __future__ import annotations

from typing import Any

import numpy as np

Samples = np.ndarray[Any, np.dtype[np.float32]]


class WindowCutter:
    """Cuts a stream of blocks into windows of one length, whatever the blocks' lengths."""

    def __init__(self, window_seconds: float) -> None:
        self._window_seconds = window_seconds
        self._rest: Samples | None = None
        self._start = 0.0

    def cut(self, seconds: float, samples: Samples, rate: int) -> list[tuple[float, Samples]]:
        """Whole windows as ``(start in seconds, samples)``; what is left over is kept."""
        if self._rest is None or self._rest.shape[1] != samples.shape[1]:
            self._rest, self._start = samples, seconds
        else:
            self._rest = np.concatenate([self._rest, samples])
        size = max(1, round(self._window_seconds * rate))
        windows: list[tuple[float, Samples]] = []
        while len(self._rest) >= size:
            windows.append((self._start, self._rest[:size]))
            self._rest = self._rest[size:]
            self._start += size / rate
        return windows


def measure_level(samples: Samples) -> float:
    """Root mean square about the mean of the loudest channel, 0 to 1: a constant is silent."""
    if not len(samples):
        return 0.0
    return float(samples.std(axis=0, dtype=np.float64).max())


def measure_peak(samples: Samples) -> float:
    """The largest absolute value."""
    return float(np.abs(samples).max()) if samples.size else 0.0


def count_clipped(samples: Samples, level: float, run: int) -> int:
    """Samples of the worst channel that stand at ``level`` or beyond for ``run`` in a row."""
    if len(samples) < run:
        return 0
    high = (np.abs(samples) >= level).astype(np.int8)
    padded = np.pad(high, ((1, 1), (0, 0)))
    worst = 0
    for channel in padded.T:
        edges = np.flatnonzero(np.diff(channel))
        lengths = edges[1::2] - edges[::2]
        worst = max(worst, int(lengths[lengths >= run].sum()))
    return worst
