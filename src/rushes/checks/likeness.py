"""How like two clips are, frame by frame and second by second.

Pictures by SSIM and PSNR of their brightness, sound by the distance of its spectra in decibels:
none of them asks for the same bits, and the last bits are what moves between machines. SSIM (Wang
et al. 2004) is what is decided by, since a PSNR means another thing in every clip; spectra, because
a phase that nobody hears would ruin a difference of samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from rushes.checks.base import Frame

    Grey = np.ndarray[tuple[int, int], np.dtype[np.float32]]

SIDE = 256
"""SSIM is taken at a shorter side of about this, as its authors advise."""
SIGMA, C1, C2 = 1.5, (0.01 * 255) ** 2, (0.03 * 255) ** 2
SAME_DB = 99.0
"""PSNR of equal pictures."""
RATE, WINDOW, HOP, BANDS = 16000, 640, 320, 24
FLOOR_DB = -60.0
"""Below full scale: what is softer is silence to both."""
EARLY = 1e-3
"""Seconds by which a frame may begin later and still be shown: times are rounded in containers."""
SOUND_DB = 27.0
"""Spectra that are 3 dB apart over a second score 0.9."""


@dataclass(frozen=True, slots=True)
class FramePair:
    """One frame of each clip, by the time of the first one's."""

    seconds: float
    ssim: float
    psnr_db: float


@dataclass(frozen=True, slots=True)
class Likeness:
    """Two clips, the first being the measure.

    Args:
        frames: pairs, each frame of the first with that of the second shown at its time.
        counts: frames of each.
        sizes: WIDTHxHEIGHT of each; the second was fitted to the first where they differ.
        sound_db: mean distance of spectra in each second; empty where neither has sound.
        sounds: whether each has sound.
    """

    frames: tuple[FramePair, ...]
    counts: tuple[int, int]
    sizes: tuple[str, str]
    sound_db: tuple[float, ...]
    sounds: tuple[bool, bool]

    @property
    def worst(self) -> FramePair | None:
        """The pair that is least alike."""
        return min(self.frames, key=lambda pair: pair.ssim, default=None)

    @property
    def picture_score(self) -> float:
        """SSIM of the worst pair, 0 where frames are missing or of another size."""
        if self.worst is None or self.counts[0] != self.counts[1] or len(set(self.sizes)) > 1:
            return 0.0
        return max(self.worst.ssim, 0.0)

    @property
    def sound_score(self) -> float:
        """1 where spectra are the same in every second, 0.9 where the worst is 3 dB off."""
        if self.sounds[0] != self.sounds[1]:
            return 0.0
        return 1 / (1 + max(self.sound_db, default=0.0) / SOUND_DB)


def measure_likeness(first: Path, second: Path) -> Likeness:
    """Decode both clips once, in memory that does not grow with their pictures.

    Raises:
        MediaError: one of them cannot be read.
    """
    from rushes.media import read_frames

    pairs: list[FramePair] = []
    counts, sizes = [0, 0], ["", ""]
    follower = _Follower(second)
    for seconds, one in read_frames(first):
        counts[0] += 1
        if (two := follower.show(seconds)) is not None:
            sizes = [f"{frame.shape[1]}x{frame.shape[0]}" for frame in (one, two)]
            pairs.append(FramePair(seconds, *compare_frames(one, fit_frame(two, one))))
    counts[1] = follower.finish()
    spectra = [_read_bands(path) for path in (first, second)]
    heard = (spectra[0] is not None, spectra[1] is not None)
    return Likeness(
        tuple(pairs),
        (counts[0], counts[1]),
        (sizes[0], sizes[1]),
        _compare_bands(*spectra),
        heard,
    )


def fit_frame(frame: Frame, like: Frame) -> Frame:
    """A frame (h, w, 3) uint8 in the size of another."""
    if frame.shape == like.shape:
        return frame
    import cv2
    import numpy as np

    fitted = cv2.resize(frame, like.shape[1::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(fitted, np.uint8)


def compare_frames(one: Frame, two: Frame) -> tuple[float, float]:
    """SSIM in [-1, 1] and PSNR in dB of the brightness of two frames (H, W, 3) uint8."""
    import cv2
    import numpy as np

    if np.array_equal(one, two):
        return 1.0, SAME_DB
    a, b = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32) for frame in (one, two))
    error = float(((a - b) ** 2).mean(dtype=np.float64))
    psnr = SAME_DB if error == 0 else min(SAME_DB, 10 * float(np.log10(255**2 / error)))
    factor = max(1, round(min(a.shape) / SIDE))
    if factor > 1:
        size = (a.shape[1] // factor, a.shape[0] // factor)
        a, b = (cv2.resize(grey, size, interpolation=cv2.INTER_AREA) for grey in (a, b))
    return _measure_ssim(a, b), psnr


def _measure_ssim(a: Grey, b: Grey) -> float:
    import cv2
    import numpy as np

    def blur(grey: Grey) -> Grey:
        return np.asarray(cv2.GaussianBlur(grey, (11, 11), SIGMA), np.float32)

    mean_a, mean_b = blur(a), blur(b)
    spread_a, spread_b = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2
    shared = blur(a * b) - mean_a * mean_b
    top = (2 * mean_a * mean_b + C1) * (2 * shared + C2)
    low = (mean_a**2 + mean_b**2 + C1) * (spread_a + spread_b + C2)
    return float((top / low).mean())


class _Follower:
    """The frame that a clip shows at each of a row of moments, in order; decodes it once."""

    def __init__(self, path: Path) -> None:
        from rushes.media import read_frames

        self._frames = iter(read_frames(path))
        self._shown = self._following = next(self._frames, None)
        self.count = 0
        self._step()

    def show(self, seconds: float) -> Frame | None:
        """The last frame that began by then; None for a clip without pictures."""
        while self._following is not None and self._following[0] <= seconds + EARLY:
            self._shown = self._following
            self._step()
        return None if self._shown is None else self._shown[1]

    def finish(self) -> int:
        """Frames in all."""
        while self._following is not None:
            self._step()
        return self.count

    def _step(self) -> None:
        if self._following is not None:
            self.count += 1
        self._following = next(self._frames, None)


def _read_bands(path: Path) -> np.ndarray[tuple[int, int], np.dtype[np.float32]] | None:
    """(hops, BANDS) float32 decibels below full scale, None for a clip without sound."""
    import numpy as np

    from rushes.media import probe, read_audio_at

    if probe(path).audio is None:
        return None
    hann = np.hanning(WINDOW)
    edges = np.geomspace(2, WINDOW // 2, BANDS + 1).round().astype(int)
    rest, rows = np.zeros(0, np.float32), []
    for block in read_audio_at(path, RATE, channels=1):
        rest = np.concatenate([rest, block[:, 0]])
        while len(rest) >= WINDOW:
            power = np.abs(np.fft.rfft(rest[:WINDOW] * hann)) ** 2 / (hann.sum() / 2) ** 2
            bands = np.add.reduceat(power, edges[:-1])
            rows.append(np.maximum(10 * np.log10(bands + 1e-12), FLOOR_DB).astype(np.float32))
            rest = rest[HOP:]
    return np.asarray(rows, np.float32).reshape(len(rows), BANDS)


def _compare_bands(
    one: np.ndarray[tuple[int, int], np.dtype[np.float32]] | None,
    two: np.ndarray[tuple[int, int], np.dtype[np.float32]] | None,
) -> tuple[float, ...]:
    """Mean distance in decibels of each second that both have."""
    import numpy as np

    if one is None or two is None:
        return ()
    hops = min(len(one), len(two))
    gap = np.abs(one[:hops] - two[:hops]).mean(axis=1, dtype=np.float64)
    second = RATE // HOP
    return tuple(float(gap[n : n + second].mean()) for n in range(0, hops, second))
