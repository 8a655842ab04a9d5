"""Wan's video decoder as a stream: one latent frame at a time, to the bits of ``vae.decode``.

The decoder's convolutions in time are causal, and diffusers runs it frame by frame with a cache of
features; only the joining of all frames at the end makes its memory grow with duration, and that
is left out here. Where tiling is on, tiles are decoded one after the other through all of the clip,
so that only one such cache is there at a time; what they gave waits on the disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import unpatchify

from rushes.models.pixels import to_frames
from rushes.models.tile_store import Place, TileStore
from rushes.models.vae_tiles import join_tiles

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
    z = z / std + mean
    for piece in _decode_tiled(vae, z) if _is_tiled(vae, z) else _decode_whole(vae, z):
        if vae.config.patch_size is not None:
            piece = unpatchify(piece, patch_size=vae.config.patch_size)
        yield from to_frames(torch.clamp(piece, min=-1.0, max=1.0))


def statistics(vae: Any, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean of the latents, and one over their deviation: (1, C, 1, 1, 1), on ``like``'s device in
    its dtype. Latents are normalised as (z - mean) * second, rounded as the pipeline rounds."""
    shape = (1, vae.config.z_dim, 1, 1, 1)
    mean = torch.tensor(vae.config.latents_mean).view(shape).to(like)
    return mean, 1.0 / torch.tensor(vae.config.latents_std).view(shape).to(like)


class _Decoder:
    """The decoder at one place of the picture, from the first latent frame on."""

    def __init__(self, vae: Any) -> None:
        self.decoder = vae.decoder
        self.features: list[Any] = [None] * vae._cached_conv_counts["decoder"]
        self.first = {"first_chunk": True}

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(1, C, 1, h, w) → (1, 3 * patch², n, h', w'), n = 1 for the first and 4 after it."""
        piece: torch.Tensor = self.decoder(x, feat_cache=self.features, feat_idx=[0], **self.first)
        self.first = {}
        return piece


def _decode_whole(vae: Any, z: torch.Tensor) -> Iterator[torch.Tensor]:
    decoder, x = _Decoder(vae), vae.post_quant_conv(z)
    for number in range(x.shape[2]):
        yield decoder(x[:, :, number : number + 1])


def _is_tiled(vae: Any, z: torch.Tensor) -> bool:
    ratio = vae.spatial_compression_ratio
    least = vae.tile_sample_min_height // ratio, vae.tile_sample_min_width // ratio
    return bool(vae.use_tiling and (z.shape[3] > least[0] or z.shape[4] > least[1]))


def _decode_tiled(vae: Any, z: torch.Tensor) -> Iterator[torch.Tensor]:
    """As ``vae.tiled_decode``; the tiles' sizes are attributes of the VAE."""
    ratio, patch = vae.spatial_compression_ratio, vae.config.patch_size or 1
    size = vae.tile_sample_min_height, vae.tile_sample_min_width
    stride = vae.tile_sample_stride_height, vae.tile_sample_stride_width
    kept = stride[0] // patch, stride[1] // patch
    blend = size[0] // patch - kept[0], size[1] // patch - kept[1]
    whole = z.shape[3] * ratio // patch, z.shape[4] * ratio // patch
    with TileStore() as store:
        rows = [
            [
                _store_tile(
                    vae, z[..., top : top + size[0] // ratio, left : left + size[1] // ratio], store
                )
                for left in range(0, z.shape[4], stride[1] // ratio)
            ]
            for top in range(0, z.shape[3], stride[0] // ratio)
        ]
        for number in range(z.shape[2]):
            tiles = [[store.get(places[number], z.device) for places in row] for row in rows]
            yield join_tiles(vae, tiles, kept, blend)[..., : whole[0], : whole[1]]


def _store_tile(vae: Any, z: torch.Tensor, store: TileStore) -> list[Place]:
    """Decode one tile's latents (1, C, F, h, w); places of its pixels, by latent frame."""
    decoder = _Decoder(vae)
    frames = (z[:, :, number : number + 1] for number in range(z.shape[2]))
    return [store.put(decoder(vae.post_quant_conv(frame))) for frame in frames]
