"""CogVideoX's video decoder as a stream: memory does not grow with the length of the clip.

The VAE decodes two latent frames at a time and hands the ends of its causal convolutions from one
pair to the next; so does this, giving each pair out when it is done; with tiling on, tile by tile.
What comes out is what ``vae.decode`` gives, to the bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from rushes.models.vae_tiles import join_tiles


@torch.inference_mode()
def decode_pairs(vae: Any, latents: torch.Tensor) -> Iterator[torch.Tensor]:
    """Pixels of video latents, 8 frames at a time (9 at first where their number is odd).

    Args:
        latents: (C, F, H, W), scaled.

    Yields:
        (1, 3, n, H, W) in about [-1, 1], in order.
    """
    z = 1 / vae.config.scaling_factor * latents[None].to(vae.device, vae.dtype)
    size = vae.tile_latent_min_height, vae.tile_latent_min_width
    if not (vae.use_tiling and (z.shape[3] > size[0] or z.shape[4] > size[1])):
        decoder = _Decoder(vae)
        for piece in _split_pairs(vae, z):
            yield decoder(piece)
        return
    share = vae.tile_overlap_factor_height, vae.tile_overlap_factor_width
    full = vae.tile_sample_min_height, vae.tile_sample_min_width
    blend = int(full[0] * share[0]), int(full[1] * share[1])
    tops = range(0, z.shape[3], int(size[0] * (1 - share[0])))
    lefts = range(0, z.shape[4], int(size[1] * (1 - share[1])))
    decoders = [[_Decoder(vae) for _ in lefts] for _ in tops]
    for piece in _split_pairs(vae, z):
        rows = [
            [
                decoder(piece[..., top : top + size[0], left : left + size[1]])
                for left, decoder in zip(lefts, row, strict=True)
            ]
            for top, row in zip(tops, decoders, strict=True)
        ]
        yield join_tiles(vae, rows, (full[0] - blend[0], full[1] - blend[1]), blend)


class _Decoder:
    """The decoder at one place of the picture, from the first latent frame on."""

    def __init__(self, vae: Any) -> None:
        self.vae = vae
        self.cache: Any = None

    def __call__(self, z: torch.Tensor) -> torch.Tensor:
        if self.vae.post_quant_conv is not None:
            z = self.vae.post_quant_conv(z)
        clip: torch.Tensor
        clip, self.cache = self.vae.decoder(z, conv_cache=self.cache)
        return clip


def _split_pairs(vae: Any, z: torch.Tensor) -> Iterator[torch.Tensor]:
    """Two latent frames at a time; at first three where their number is odd."""
    size = vae.num_latent_frames_batch_size
    end = size + z.shape[2] % size
    yield z[:, :, :end]
    for start in range(end, z.shape[2], size):
        yield z[:, :, start : start + size]
