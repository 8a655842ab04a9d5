"""LTX-2's encoders: pictures and sound to the normalised latents that denoise is given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from rushes.catalogue.grid import Mel

if TYPE_CHECKING:
    from rushes.models.base import Frame, Samples


@torch.inference_mode()
def encode_frames(vae: Any, frames: Sequence[Frame], height: int, width: int) -> torch.Tensor:
    """Latents (C, F, H, W) of frames (h, w, 3) uint8, all of one size.

    A picture of another shape covers the target and is cut at its centre; scaling is bilinear
    without a filter, both as Lightricks' code does.
    """
    pixels = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).float()
    rows, columns = pixels.shape[2:]
    if (rows, columns) != (height, width):
        scale = max(height / rows, width / columns)
        size = math.ceil(rows * scale), math.ceil(columns * scale)
        pixels = torch.nn.functional.interpolate(pixels, size, mode="bilinear", align_corners=False)
        top, left = (size[0] - height) // 2, (size[1] - width) // 2
        pixels = pixels[:, :, top : top + height, left : left + width]
    clip = (pixels / 127.5 - 1).transpose(0, 1)[None].to(vae.device, vae.dtype)
    z = vae.encode(clip).latent_dist.mode()
    mean, std = (t.view(1, -1, 1, 1, 1).to(z) for t in (vae.latents_mean, vae.latents_std))
    return ((z - mean) * vae.config.scaling_factor / std)[0].float().cpu()


@torch.inference_mode()
def encode_samples(audio_vae: Any, mel: Mel, samples: Samples, latents: int) -> torch.Tensor:
    """Latents (C, ``latents``, M) of (n, 2) float32 samples at ``mel.rate``.

    The encoder is causal: latent 0 is one mel frame, each further one four. Silence follows the
    samples where they end too soon.
    """
    factor = audio_vae.temporal_compression_ratio
    count = factor * (latents - 1) + 1
    wave = torch.from_numpy(np.ascontiguousarray(samples.T))[None]
    wave = torch.nn.functional.pad(wave, (0, max(count * mel.hop - wave.shape[-1], 0)))
    spectrum = log_mel(wave, mel)[:, :, :count].to(audio_vae.device, audio_vae.dtype)
    z = audio_vae.encode(spectrum).latent_dist.mode()
    packed = z.transpose(1, 2).flatten(2)
    mean, std = audio_vae.latents_mean, audio_vae.latents_std
    packed = (packed - mean.to(packed)) / std.to(packed)
    return packed.unflatten(2, (-1, z.shape[3])).transpose(1, 2)[0].float().cpu()


def log_mel(wave: torch.Tensor, mel: Mel) -> torch.Tensor:
    """(B, channels, N) in [-1, 1] → (B, channels, 1 + N // hop, bins); see :class:`Mel`."""
    window = torch.hann_window(mel.window, device=wave.device)
    spectrum = torch.stft(
        wave.flatten(0, 1), mel.window, mel.hop, window=window,
        return_complex=True, pad_mode=mel.pad,
    )  # fmt: skip
    magnitude = (spectrum.real**2 + spectrum.imag**2 + 1e-10).sqrt()
    bands = magnitude.transpose(-1, -2) @ mel_bank(mel).to(wave.device)
    logs = (bands.clamp(min=mel.floor).log() + mel.offset) / mel.divisor
    return logs.unflatten(0, wave.shape[:2])


@lru_cache(maxsize=4)
def mel_bank(mel: Mel) -> torch.Tensor:
    """(window // 2 + 1, bins) triangular filters; see :class:`Mel` for their scale and height."""
    hz_of = _slaney_to_hz if mel.scale == "slaney" else _htk_to_hz
    top = _hz_to_slaney(mel.rate / 2) if mel.scale == "slaney" else _hz_to_htk(mel.rate / 2)
    edges = hz_of(torch.linspace(0, top, mel.bins + 2))
    hz = torch.linspace(0, mel.rate / 2, mel.window // 2 + 1)[:, None]
    # on the HTK scale a band is never narrower than one line of the transform
    least = mel.rate / mel.window if mel.scale == "htk" else 0.0
    rise = (hz - edges[:-2]) / (edges[1:-1] - edges[:-2]).clamp(min=least)
    fall = (edges[2:] - hz) / (edges[2:] - edges[1:-1]).clamp(min=least)
    bands = torch.minimum(rise, fall).clamp(min=0)
    return bands * 2 / (edges[2:] - edges[:-2]) if mel.scale == "slaney" else bands


def _hz_to_htk(hz: float) -> float:
    return float(2595 * torch.log10(1 + torch.tensor(hz) / 700))


def _htk_to_hz(mel: torch.Tensor) -> torch.Tensor:
    return 700 * (10 ** (mel / 2595) - 1)


SLANEY_STEP = math.log(6.4) / 27
"""Above 1,000 Hz, which is 15 on Slaney's scale, each unit is a factor of e to this."""


def _hz_to_slaney(hz: float) -> float:
    return 15 + math.log(hz / 1000) / SLANEY_STEP if hz > 1000 else 3 * hz / 200


def _slaney_to_hz(mel: torch.Tensor) -> torch.Tensor:
    return torch.where(mel > 15, 1000 * torch.exp(SLANEY_STEP * (mel - 15)), 200 * mel / 3)
