"""The oracle's ears: is anything to be heard, and when. Waves are (N,) at 16 kHz."""

import numpy as np

SAMPLE_RATE = 16_000  # Hz
HOP = 40  # samples, 2.5 ms
WINDOW = 256  # samples, 16 ms
AUDIBLE = 0.004  # root mean square of the loudest 0.2 s; about -48 dBFS
RISE_DB = 7.0  # within RISE_HOPS makes an onset
RISE_HOPS = 6
GAP_SECONDS = 0.12  # two onsets are not nearer than this
BANDS = {"bounces": (60, 500), "slides": (1700, 4000), "blinks": (700, 1400)}  # Hz
FLOOR = 1e-7


def is_audible(wave: np.ndarray) -> tuple[bool, float]:
    """Whether the loudest fifth of a second can be heard, and its level in dBFS."""
    span = SAMPLE_RATE // 5
    power = np.convolve(wave**2, np.ones(span) / span, "valid") if len(wave) >= span else wave**2
    rms = float(np.sqrt(max(power.max(), 0.0))) if len(power) else 0.0
    return rms > AUDIBLE, 20 * np.log10(max(rms, 1e-6))


def band_energy(wave: np.ndarray, low: float, high: float) -> np.ndarray:
    """(T,) energy between two frequencies, one value a hop, centred."""
    padded = np.pad(wave, WINDOW // 2)
    count = 1 + (len(padded) - WINDOW) // HOP
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][:count]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(WINDOW), axis=1)) ** 2
    hz = np.fft.rfftfreq(WINDOW, 1 / SAMPLE_RATE)
    return spectrum[:, (hz >= low) & (hz <= high)].sum(1) / WINDOW**2


def find_onsets(wave: np.ndarray, motion: str) -> list[float]:
    """Seconds at which a sound of the motion's kind begins."""
    if motion not in BANDS:
        return []
    energy = band_energy(wave, *BANDS[motion])
    floor = max(FLOOR, 0.003 * energy.max())
    level = 10 * np.log10(energy + floor)
    rise = np.full_like(level, 0.0)
    rise[RISE_HOPS:] = level[RISE_HOPS:] - level[:-RISE_HOPS]
    onsets: list[float] = []
    for i in range(RISE_HOPS, len(rise)):
        window = rise[max(0, i - 16) : i + 17]
        if rise[i] < RISE_DB or rise[i] < window.max():
            continue
        when = (i - RISE_HOPS / 2) * HOP / SAMPLE_RATE
        if not onsets or when - onsets[-1] > GAP_SECONDS:
            onsets.append(max(0.0, when))
    return onsets


def match_events(picture: list[float], sound: list[float], reach: float = 0.3) -> list[float]:
    """Sound minus picture, seconds, for every event of the picture with a sound within reach."""
    if not sound:
        return []
    nearest = [min(sound, key=lambda s: abs(s - p)) - p for p in picture]
    return [d for d in nearest if abs(d) <= reach]
