"""Wan's video decoder as a stream: one latent frame at a time, to the bits of ``vae.decode``.

The decoder's convolutions in time are causal, and diffusers runs it frame by frame with a cache of
features; only the joining of all frames at the end makes its memory grow with duration, and that
is left out here. In tiles, each of which is all frames of a piece of the picture, they are joined.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import unpatchify

from rushes.models.pixels import to_frames

if TYPE_CHECKING:
    from rushes.models.base import Frame


@torch.inference_mode()
def decode_frames(vae: Any, latents: torch.Tensor, device: str) -> Iterator[Frame]:
    """Pixels of video latents.

    Args:
        latents: (C, F, H, W) float32, normalised.

    Yields:
        (H, W, 3) uint8 RGB: one for the first latent frame, four for each further one.
    """
    z = latents[None].to(device, vae.dtype)
    mean, std = statistics(vae, z)
    if vae.use_tiling:
        yield from to_frames(vae.decode(z / std + mean, return_dict=False)[0])
        return
    x = vae.post_quant_conv(z / std + mean)
    features: list[Any] = [None] * vae._cached_conv_counts["decoder"]
    for number in range(x.shape[2]):
        first = {"first_chunk": True} if number == 0 else {}
        piece = vae.decoder(
            x[:, :, number : number + 1], feat_cache=features, feat_idx=[0], **first
        )
        if vae.config.patch_size is not None:
            piece = unpatchify(piece, patch_size=vae.config.patch_size)
        yield from to_frames(torch.clamp(piece, min=-1.0, max=1.0))


def statistics(vae: Any, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean of the latents, and one over their deviation: (1, C, 1, 1, 1), on ``like``'s device in
    its dtype. Latents are normalised as (z - mean) * second, rounded as the pipeline rounds."""
    shape = (1, vae.config.z_dim, 1, 1, 1)
    mean = torch.tensor(vae.config.latents_mean).view(shape).to(like)
    return mean, 1.0 / torch.tensor(vae.config.latents_std).view(shape).to(like)
