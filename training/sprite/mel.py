"""The log-mel that sprite's audio VAE encodes and its vocoder reads.

`log_mel` maps `(B, 2, N) float32 in [-1, 1]` at 16 kHz to `(B, 2, T, 64)`, T = 1 + N // 160, about
[-1.6, 1.5]: `(ln(max(mel, 1e-5)) + 5) / 4` of the magnitude in 64 triangular HTK bands, 0-8 kHz.
"""

import torch

from rushes.catalogue.load import find_model
from rushes.models import ltx2_encode

MEL = find_model("sprite").mel
assert MEL is not None
SAMPLE_RATE = MEL.rate  # Hz
HOP = MEL.hop  # samples, 10 ms
LATENT_FRAMES = 52  # of 40 ms: what LTX2Pipeline makes of 33 frames at 16 fps


def mel_frames(latents: int) -> int:
    """Length of what the causal decoder makes of so many latents."""
    return latents * 4 - 3


MEL_FRAMES = mel_frames(LATENT_FRAMES)  # 205
SAMPLES = MEL_FRAMES * HOP  # 32,800


def magnitude(wave: torch.Tensor, window: int, hop: int) -> torch.Tensor:
    """(..., N) -> (..., window // 2 + 1, T) magnitudes, zero-padded at both ends."""
    flat = wave.reshape(-1, wave.shape[-1])
    spectrum = torch.stft(
        flat,
        window,
        hop,
        window=torch.hann_window(window, device=wave.device),
        return_complex=True,
        pad_mode="constant",
    )
    power = spectrum.real**2 + spectrum.imag**2
    return (power + 1e-10).sqrt().reshape(*wave.shape[:-1], *spectrum.shape[-2:])


def log_mel(wave: torch.Tensor) -> torch.Tensor:
    """(B, 2, N) -> (B, 2, 1 + N // 160, 64): the one that the package encodes with."""
    return ltx2_encode.log_mel(wave, MEL)
