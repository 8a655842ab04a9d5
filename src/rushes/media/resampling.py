"""Sound of any rate, block by block, as one channel at another rate."""

from __future__ import annotations

import numpy as np
from av import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray


class MonoResampler:
    """FFmpeg's resampler; the channels' mean is taken first."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._from = 0
        self._resampler: AudioResampler | None = None

    def feed(self, samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
        """What is ready after this block, (n, channels) float32 → (m,) float32."""
        if self._resampler is None or rate != self._from:
            self._from = rate
            self._resampler = AudioResampler(format="flt", layout="mono", rate=self._rate)
        mono = np.nan_to_num(samples.mean(axis=1, dtype=np.float32))
        frame = AudioFrame.from_ndarray(
            np.ascontiguousarray(mono.reshape(1, -1)), format="flt", layout="mono"
        )
        frame.sample_rate = rate
        return self._take(frame)

    def finish(self) -> NDArray[np.float32]:
        """What was held back."""
        return self._take(None) if self._resampler is not None else np.zeros(0, np.float32)

    def _take(self, frame: AudioFrame | None) -> NDArray[np.float32]:
        assert self._resampler is not None
        made = [each.to_ndarray().reshape(-1) for each in self._resampler.resample(frame)]
        return np.concatenate(made) if made else np.zeros(0, np.float32)
