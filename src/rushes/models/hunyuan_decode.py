"""HunyuanVideo's video decoder as a stream: memory does not grow with the length of the clip.

The VAE itself decodes a clip in windows of a few latents that overlap, blended where they do, and
in tiles of 256 pixels; here a window is given out when it is done. What comes out is what
``vae.decode`` gives with ``enable_tiling()``, to the bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch


@torch.inference_mode()
def decode_tiles(vae: Any, latents: torch.Tensor) -> Iterator[torch.Tensor]:
    """Pixels of video latents, a window at a time.

    Args:
        vae: ``AutoencoderKLHunyuanVideo``, with ``use_framewise_decoding`` off: the windows are
            this function's.
        latents: (C, F, H, W) float32, scaled.

    Yields:
        (1, 3, n, H, W) in about [-1, 1], in order.
    """
    z = latents[None].to(vae.device, vae.dtype) / vae.config.scaling_factor
    factor = vae.temporal_compression_ratio
    window = vae.tile_sample_min_num_frames // factor
    stride = vae.tile_sample_stride_num_frames // factor
    if z.shape[2] <= window:
        yield vae.decode(z, return_dict=False)[0]
        return
    blend = (window - stride) * factor
    left = (z.shape[2] - 1) * factor + 1
    last: torch.Tensor | None = None
    for start in range(0, z.shape[2], stride):
        tile = vae.decode(z[:, :, start : start + window + 1], return_dict=False)[0]
        keep = stride * factor + 1
        if last is not None:
            tile = vae.blend_t(last, tile[:, :, 1:], blend)
            keep -= 1
        piece = tile[:, :, : min(keep, left)]
        left -= piece.shape[2]
        last = tile
        yield piece
        if not left:
            return
