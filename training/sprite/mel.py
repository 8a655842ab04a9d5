"""The log-mel that sprite's audio VAE encodes and its vocoder reads.

`log_mel` maps `(B, 2, N) float32 in [-1, 1]` at 16 kHz to `(B, 2, T, 64)`, T = 1 + N // 160, about
[-1.6, 1.5]: `(ln(max(mel, 1e-5)) + 5) / 4` of the magnitude in 64 triangular HTK bands, 0-8 kHz.
"""

from functools import lru_cache

import torch

SAMPLE_RATE = 16_000  # Hz
HOP = 160  # samples, 10 ms
WINDOW = 512  # samples, 32 ms, Hann
BINS = 64
FLOOR = 1e-5
LATENT_FRAMES = 52  # of 40 ms: what LTX2Pipeline makes of 33 frames at 16 fps
MEL_FRAMES = LATENT_FRAMES * 4 - 3  # the causal decoder's length, 205
SAMPLES = MEL_FRAMES * HOP  # 32,800


@lru_cache(maxsize=1)
def mel_bank() -> torch.Tensor:
    """(257, 64) triangular filters, each of height 1."""

    def to_mel(hz: torch.Tensor) -> torch.Tensor:
        return 2595 * torch.log10(1 + hz / 700)

    top = to_mel(torch.tensor(SAMPLE_RATE / 2))
    edges = 700 * (10 ** (torch.linspace(0, float(top), BINS + 2) / 2595) - 1)
    hz = torch.linspace(0, SAMPLE_RATE / 2, WINDOW // 2 + 1)[:, None]
    # a band is never narrower than one line of the transform
    rise = (hz - edges[:-2]) / (edges[1:-1] - edges[:-2]).clamp(min=SAMPLE_RATE / WINDOW)
    fall = (edges[2:] - hz) / (edges[2:] - edges[1:-1]).clamp(min=SAMPLE_RATE / WINDOW)
    return torch.minimum(rise, fall).clamp(min=0)


def magnitude(wave: torch.Tensor, window: int, hop: int) -> torch.Tensor:
    """(..., N) -> (..., window // 2 + 1, T) magnitudes, zero-padded at both ends."""
    flat = wave.reshape(-1, wave.shape[-1])
    spectrum = torch.stft(
        flat,
        window,
        hop,
        window=torch.hann_window(window),
        return_complex=True,
        pad_mode="constant",
    )
    power = spectrum.real**2 + spectrum.imag**2
    return (power + 1e-10).sqrt().reshape(*wave.shape[:-1], *spectrum.shape[-2:])


def log_mel(wave: torch.Tensor) -> torch.Tensor:
    """(B, 2, N) -> (B, 2, 1 + N // 160, 64); see the module's head for the scale."""
    bands = magnitude(wave, WINDOW, HOP).transpose(-1, -2) @ mel_bank()
    return (bands.clamp(min=FLOOR).log() + 5) / 4
