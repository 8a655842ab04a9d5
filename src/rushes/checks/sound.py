"""Measurements on blocks of sound, (n, channels) float32 with full scale ±1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def count_blunted(samples: Samples, level: float, share: float) -> int:
    """Samples of the worst channel in half waves that stay beyond ``level`` too long.

    A lossy codec moves what was cut off away from full scale, but the half wave stays broad: a sine
    that just reaches full scale is beyond 0.9 for 0.29 of its half wave, at any frequency. Half
    waves are looked at between samples, at four times the rate.

    Args:
        share: of a half wave's length; more counts.
    """
    if len(samples) < 16:
        return 0
    return max(_blunted_of(channel, level, share) for channel in samples.T)


def _blunted_of(channel: NDArray[np.float32], level: float, share: float) -> int:
    if float(np.abs(channel).max()) < level:
        return 0
    count = len(channel) * FINER
    spectrum = np.fft.rfft(channel.astype(np.float64))
    fine = np.fft.irfft(spectrum, count) * FINER
    crossings = np.flatnonzero(np.diff(np.signbit(fine))) + 1
    if len(crossings) < 2:
        return 0
    beyond = np.concatenate([[0], np.cumsum(np.abs(fine) >= level)])
    blunted = np.diff(beyond[crossings]) > share * np.diff(crossings)
    ends = crossings.copy()
    ends[0], ends[-1] = 0, count  # what the window cuts is taken as the half wave beside it is
    return int(np.diff(ends)[blunted].sum()) // FINER


FINER = 4
"""Times as many samples as a window has, between which nothing of the wave hides."""


def measure_line(samples: Samples, rate: int, hertz: float, times: float) -> float:
    """Amplitude of a steady tone of this frequency, 0 to 1; 0 where it does not stand out.

    Args:
        times: how much larger it must be than what lies 6 to 9 Hz on either side.
    """
    window = np.hanning(len(samples))
    mono = samples.mean(axis=1, dtype=np.float64)
    spectrum = np.abs(np.fft.rfft((mono - mono.mean()) * window)) / (window.sum() / 2)
    bins = np.fft.rfftfreq(len(mono), 1 / rate)
    line = spectrum[np.abs(bins - hertz) <= 2.5]
    beside = spectrum[(np.abs(bins - hertz) >= 6) & (np.abs(bins - hertz) <= 9)]
    if not len(line) or not len(beside):
        return 0.0
    return float(line.max()) if line.max() > times * beside.max() else 0.0


def count_clicks(samples: Samples, level: float, times: float) -> int:
    """Samples that are ``level`` or more off a cubic through two neighbours on either side.

    Args:
        times: how much further off than any sample around them, of the 64 before and after, they
            must be, in the worst channel; the six that the same break sways are left out.
    """
    if len(samples) < 16:
        return 0
    return max(_clicks_of(channel, level, times) for channel in np.asarray(samples, np.float64).T)


def _clicks_of(channel: NDArray[np.float64], level: float, times: float) -> int:
    count = 0
    foretold = (4 * (channel[1:-3] + channel[3:-1]) - channel[:-4] - channel[4:]) / 6
    off = np.abs(channel[2:-2] - foretold)
    for place in map(int, np.flatnonzero(off >= level)):
        near = off[max(0, place - 64) : place + 65].copy()
        middle = min(place, 64)
        around = abs(channel[place + 3] - channel[place + 1])
        if near[middle] < near.max() or around > off[place] / 2:
            continue  # beside the click itself, or the edge of a tone that begins or ends at once
        near[max(0, middle - 3) : middle + 4] = 0
        count += bool(near.max() * times < off[place])
        if count > MAX_CLICKS:
            break
    return count


MAX_CLICKS = 50
"""In one window; more are noise, and need no counting."""
