"""LTX-2's decoders as streams: memory does not grow with the length of the clip.

A clip that fits one window is decoded in one pass, as the pipeline does. A longer one is decoded
in overlapping windows: pictures are blended over the overlap as diffusers' temporal tiling does;
sound, whose decoders see only so far, is decoded with that much context and cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch

from rushes.models.pixels import to_frames

if TYPE_CHECKING:
    from rushes.models.base import Frame, Samples

VIDEO_WINDOW = 16
"""Latent frames beyond its first that one pass of the video decoder takes."""
VIDEO_STRIDE = 12
AUDIO_WINDOW = 16
"""Latent frames that one pass of the audio decoders yields (0.64 s at 25 a second)."""
AUDIO_CONTEXT = 18
"""Latent frames before and after a window that its samples depend on (0.72 s): beyond them, a
change moves no sample by more than rounding does. With its context a window is 52 latents, the
length that sprite was trained at, so that a long clip needs no more memory than a short one."""


@torch.inference_mode()
def decode_frames(vae: Any, latents: torch.Tensor) -> Iterator[Frame]:
    """Pixels of video latents.

    Args:
        latents: (C, F, H, W) float32, normalised.

    Yields:
        (H, W, 3) uint8 RGB.
    """
    mean = vae.latents_mean.view(1, -1, 1, 1, 1)
    std = vae.latents_std.view(1, -1, 1, 1, 1)
    z = latents[None].to(mean.device) * std / vae.config.scaling_factor + mean
    for tile in _decode_tiles(vae, z.to(vae.dtype)):
        yield from to_frames(tile)


def _decode_tiles(vae: Any, z: torch.Tensor) -> Iterator[torch.Tensor]:
    """(1, 3, n, H, W) in [-1, 1], n frames at a time, in order."""
    factor = vae.temporal_compression_ratio
    total = (z.shape[2] - 1) * factor + 1
    if z.shape[2] <= VIDEO_WINDOW + 1:
        yield vae.decode(z, return_dict=False)[0]
        return
    stride, blend = VIDEO_STRIDE * factor, (VIDEO_WINDOW - VIDEO_STRIDE) * factor
    given, last = 0, None
    for start in range(0, z.shape[2], VIDEO_STRIDE):
        tile = vae.decode(z[:, :, start : start + VIDEO_WINDOW + 1], return_dict=False)[0]
        tile = tile if last is None else tile[:, :, :-1]
        if last is not None:
            tile = vae.blend_t(last, tile, blend)
        piece = tile[:, :, : stride + (last is None)][:, :, : total - given]
        given += piece.shape[2]
        last = tile
        yield piece
        if given >= total:
            return


@torch.inference_mode()
def decode_samples(audio_vae: Any, vocoder: Any, latents: torch.Tensor) -> Iterator[Samples]:
    """Waveform of audio latents.

    The audio VAE is causal: latent 0 is one mel frame, each further one four.

    Args:
        latents: (C, L, M) float32, normalised.

    Yields:
        (n, channels) float32, full scale ±1.
    """
    packed = latents.transpose(0, 1).flatten(1)  # (L, C*M): the statistics are per C*M
    std, mean = audio_vae.latents_std, audio_vae.latents_mean
    packed = packed.to(mean.device) * std + mean
    z = packed.unflatten(1, (-1, latents.shape[2])).transpose(0, 1)[None].to(audio_vae.dtype)
    length, factor = z.shape[2], audio_vae.temporal_compression_ratio
    whole = length <= AUDIO_WINDOW + 2 * AUDIO_CONTEXT
    window = length if whole else AUDIO_WINDOW
    hop = count_samples(vocoder)
    for start in range(0, length, window):
        stop = min(start + window, length)
        low = max(start - AUDIO_CONTEXT, 0)
        high = min(stop + AUDIO_CONTEXT, length)
        mel = audio_vae.decode(z[:, :, low:high], return_dict=False)[0]
        wave = vocoder(mel)[0]
        first = max(factor * (start - 1) + 1, 0)
        end = factor * (stop - 1) + 1
        piece = wave[:, (first - factor * low) * hop : (end - factor * low) * hop]
        yield piece.transpose(0, 1).float().cpu().numpy()


def count_samples(vocoder: Any) -> int:
    """Samples that a vocoder makes of one mel frame. That of LTX-2.3 has another one inside, whose
    sound it raises to a higher rate."""
    inner = getattr(vocoder, "vocoder", vocoder)
    rates = vocoder.config.output_sampling_rate, inner.config.output_sampling_rate
    return int(inner.total_upsample_factor * rates[0] // rates[1])
