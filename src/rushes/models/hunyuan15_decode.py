"""HunyuanVideo 1.5's video decoder as a stream: no clip of pixels is held whole.

The decoder looks only back in time, but diffusers 0.42.1 runs it over whole clips. Here its middle,
which has the attention and works at the latents' size, is run over the whole clip, and the rest,
where pixels are, one latent frame at a time: every convolution keeps the last two frames that it
saw. A latent frame of the middle takes half a megabyte a tile; the mask of its attention grows with
the square of the frames, to 126 MB at 121. The tiles of 256 pixels and their blending are those of
``vae.tiled_decode``. What comes out is what ``vae.decode`` gives with ``enable_tiling()``: to the
bit where a kernel rounds alike for any number of frames, as a CPU's does but for large pictures,
where a few millionths of the range were seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.nn import functional

from rushes.models.vae_tiles import join_tiles


@torch.inference_mode()
def decode_latents(vae: Any, latents: torch.Tensor) -> Iterator[torch.Tensor]:
    """Pixels of video latents, a latent frame at a time.

    Args:
        vae: ``AutoencoderKLHunyuanVideo15``; tiled where ``use_tiling`` is on.
        latents: (C, F, H, W), scaled.

    Yields:
        (1, 3, n, H, W) in about [-1, 1], in order: one frame, then four at a time.
    """
    z = latents[None].to(vae.device, vae.dtype) / vae.config.scaling_factor
    size = vae.tile_latent_min_height, vae.tile_latent_min_width
    tiled = vae.use_tiling and (z.shape[3] > size[0] or z.shape[4] > size[1])
    if not tiled:
        size = z.shape[3], z.shape[4]
    share = 1 - vae.tile_overlap_factor if tiled else 1
    tops = range(0, z.shape[3], int(size[0] * share))
    lefts = range(0, z.shape[4], int(size[1] * share))
    streams = [
        [
            DecoderStream(vae.decoder, z[..., top : top + size[0], left : left + size[1]])
            for left in lefts
        ]
        for top in tops
    ]
    full = vae.tile_sample_min_height, vae.tile_sample_min_width
    blend = int(full[0] * vae.tile_overlap_factor), int(full[1] * vae.tile_overlap_factor)
    for number in range(z.shape[2]):
        rows = [[stream.decode(number) for stream in row] for row in streams]
        if tiled:
            yield join_tiles(vae, rows, (full[0] - blend[0], full[1] - blend[1]), blend)
        else:
            yield rows[0][0]


class DecoderStream:
    """``HunyuanVideo15Decoder3D`` over one tile's latents (1, C, F, h, w)."""

    def __init__(self, decoder: Any, z: torch.Tensor) -> None:
        self.decoder = decoder
        x = decoder.conv_in(z) + z.repeat_interleave(repeats=decoder.repeat, dim=1)
        self._middle = decoder.mid_block(x)
        self._seen: dict[Any, torch.Tensor] = {}

    def decode(self, number: int) -> torch.Tensor:
        """(1, 3, n, H, W) of a latent frame, in order from 0: one frame, after it four each."""
        x = self._middle[:, :, number : number + 1]
        for stage in self.decoder.up_blocks:
            for block in stage.resnets:
                x = self._pass_block(block, x)
            for upsampler in stage.upsamplers or ():
                x = self._upsample(upsampler, x, number == 0)
        return self._convolve(
            self.decoder.conv_out, self.decoder.conv_act(self.decoder.norm_out(x))
        )

    def _convolve(self, convolution: Any, x: torch.Tensor) -> torch.Tensor:
        """A causal convolution over what came before and ``x``; the first frame stands for what
        came before it."""
        *space, before, _ = convolution.time_causal_padding
        seen = self._seen.get(convolution)
        if seen is None:
            seen = x[:, :, :1].expand(-1, -1, before, -1, -1)
        x = torch.cat([seen, x], 2)
        self._seen[convolution] = x[:, :, x.shape[2] - before :].clone()
        return convolution.conv(functional.pad(x, (*space, 0, 0), mode=convolution.pad_mode))

    def _pass_block(self, block: Any, x: torch.Tensor) -> torch.Tensor:
        h = self._convolve(block.conv1, block.nonlinearity(block.norm1(x)))
        h = self._convolve(block.conv2, block.nonlinearity(block.norm2(h)))
        return h + (x if block.conv_shortcut is None else block.conv_shortcut(x))

    def _upsample(self, upsampler: Any, x: torch.Tensor, first: bool) -> torch.Tensor:
        """Twice as high and wide; where time is upsampled, twice as long but for the clip's first
        frame."""
        h = self._convolve(upsampler.conv, x)
        spread, repeats = upsampler._dcae_upsample_rearrange, upsampler.repeats
        if not upsampler.add_temporal_upsample:
            return spread(h) + spread(x.repeat_interleave(repeats, dim=1))
        if not first:
            return spread(h, r1=2) + spread(x, r1=2).repeat_interleave(repeats, dim=1)
        h = spread(h)
        return h[:, : h.shape[1] // 2] + spread(x).repeat_interleave(repeats // 2, dim=1)
