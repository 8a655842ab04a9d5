"""Decoders that stream against diffusers' ``vae.decode``, whole and in tiles, at every length."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import diffusers
import pytest
import torch

from bench.memory.meter import measure_allocations
from rushes.models import tile_store
from rushes.models.cogvideox_decode import decode_pairs
from rushes.models.hunyuan15_decode import decode_latents
from rushes.models.hunyuan_decode import decode_tiles
from rushes.models.wan_decode import decode_frames
from tests.models.contract.tokens import randomise

Decode = Callable[[Any, torch.Tensor, str], Any]


def make_hunyuan() -> Any:
    return diffusers.AutoencoderKLHunyuanVideo(
        latent_channels=4, block_out_channels=(8, 8, 8, 8), layers_per_block=1, norm_num_groups=4
    )


def make_hunyuan15() -> Any:
    return diffusers.AutoencoderKLHunyuanVideo15(
        latent_channels=4, block_out_channels=(16, 32, 32), layers_per_block=1,
        spatial_compression_ratio=4, temporal_compression_ratio=4,
    )  # fmt: skip


def make_cogvideox() -> Any:
    return diffusers.AutoencoderKLCogVideoX(
        down_block_types=("CogVideoXDownBlock3D",) * 4,
        up_block_types=("CogVideoXUpBlock3D",) * 4,
        block_out_channels=(8, 8, 8, 8), latent_channels=4, layers_per_block=1, norm_num_groups=2,
    )  # fmt: skip


def make_small_tiles(vae: Any, tiled: bool) -> None:
    """64 pixels a side, a quarter of it shared."""
    if not tiled:
        return
    if hasattr(vae, "tile_sample_stride_height"):
        vae.enable_tiling(64, 64, tile_sample_stride_height=48, tile_sample_stride_width=48)
    elif hasattr(vae, "tile_overlap_factor_height"):
        vae.enable_tiling(64, 64)
    else:
        vae.enable_tiling(64, 64, 16, 16)


VAES: dict[str, tuple[Callable[[], Any], Decode, tuple[int, ...], float]] = {
    "hunyuan": (make_hunyuan, decode_tiles, (1, 2, 4, 5, 7, 8), 0),
    "hunyuan15": (make_hunyuan15, decode_latents, (1, 2, 5), 1e-4),
    "cogvideox": (make_cogvideox, decode_pairs, (1, 2, 3, 5), 0),
}
"""How to make one, our decoder, lengths, and how far off it may be: convolutions of 1.5 are given
other numbers of frames than in the whole, and a kernel may round their sums otherwise."""


@pytest.mark.parametrize("tiled", [False, True], ids=["whole", "tiled"])
@pytest.mark.parametrize("name", VAES)
def test_a_stream_is_what_the_vae_decodes(name: str, tiled: bool) -> None:
    make, decode, lengths, tolerance = VAES[name]
    torch.manual_seed(0)
    vae = make()
    randomise(vae)
    make_small_tiles(vae, tiled)
    side = 10 if name != "hunyuan15" else 20
    for length in lengths:
        latents = torch.randn(4, length, side, side + 3)
        with torch.inference_mode():
            scaled = latents[None] * (1 / vae.config.scaling_factor)
            if name != "cogvideox":
                scaled = latents[None] / vae.config.scaling_factor
            whole = vae.decode(scaled, return_dict=False)[0]
        windows = getattr(vae, "use_framewise_decoding", None)
        if windows is not None:
            vae.use_framewise_decoding = False
        pieces = list(decode(vae, latents, "cpu"))
        if windows is not None:
            vae.use_framewise_decoding = windows
        if tolerance:
            torch.testing.assert_close(torch.cat(pieces, 2), whole, atol=tolerance, rtol=0)
        else:
            assert torch.equal(torch.cat(pieces, 2), whole), length
        assert whole.std() > 0.01
        assert max(piece.shape[2] for piece in pieces) <= 13


def make_wan() -> Any:
    vae = diffusers.AutoencoderKLWan(base_dim=16, z_dim=16, dim_mult=[1, 2, 2, 2])
    vae.eval().requires_grad_(False)
    vae.enable_tiling(64, 64, tile_sample_stride_height=48, tile_sample_stride_width=48)
    return vae


def test_only_one_tile_of_wan_is_under_way_at_a_time() -> None:
    """Four times the tiles, and the allocator gives out hardly more at the peak."""
    vae = make_wan()

    def decode(side: int) -> int:
        latents = torch.randn(16, 3, side, side)
        return measure_allocations(lambda: sum(1 for _ in decode_frames(vae, latents, "cpu")))

    decode(8)  # what libraries keep
    four, many = decode(12), decode(24)
    assert many < 1.25 * four


def test_a_full_disk_stops_a_tile_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def seek(self, place: int) -> None: ...
        def close(self) -> None: ...
        def write(self, data: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tile_store.tempfile, "TemporaryFile", Full)
    with pytest.raises(OSError, match="No space left"):
        next(iter(decode_frames(make_wan(), torch.randn(16, 1, 12, 12), "cpu")))
