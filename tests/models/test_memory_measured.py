"""Predictions against what the CPU's allocator gives out, for random models of the true classes."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from bench.memory.measured import GOAL, MODELS, Sized, measure, run_stages
from bench.memory.meter import Meter, measure_allocations
from rushes.catalogue.footprint import find_footprint
from rushes.catalogue.load import find_model
from rushes.models.ltx2_refine import upsample_latents
from rushes.models.wan_decode import decode_frames


@pytest.mark.slow
@pytest.mark.parametrize("sized", MODELS[1:], ids=lambda sized: sized.name)
def test_traced_models_take_what_was_predicted(sized: Sized) -> None:
    for row in measure(sized):
        assert abs(row["miss"]) <= GOAL, row


def test_the_embedded_model_takes_what_its_footprint_says() -> None:
    footprint = find_footprint(find_model("sprite"))
    assert footprint is not None
    for row in run_stages(MODELS[0], footprint):
        assert abs(row["miss"]) <= GOAL, row


def test_hollow_tensors_are_counted_as_real_ones_are_allocated() -> None:
    layers = torch.nn.Sequential(
        torch.nn.Linear(256, 1024), torch.nn.GELU(), torch.nn.Conv1d(8, 8, 1)
    )
    given = torch.randn(8, 256)
    with torch.no_grad():
        measured = measure_allocations(lambda: layers(given))
        hollow, nothing = layers.to("meta"), given.to("meta")
        meter = Meter()
        meter.ignore(hollow, nothing)
        with meter:
            hollow(nothing)
    assert meter.peak <= measured <= max(meter.host_peaks.values()) * 1.1
    assert meter.flops[""] >= 2 * 8 * 256 * 1024


def test_what_is_let_go_is_no_longer_counted() -> None:
    with torch.no_grad(), Meter() as meter:
        made = torch.empty(1000, device="meta")
        assert meter.live == 4000
        again = made[:10]
        assert meter.live == 4000
        del made, again
    assert (meter.live, meter.peak) == (0, 4000)


def test_an_upsampling_takes_what_is_counted_without_weights() -> None:
    from diffusers.pipelines.ltx2.latent_upsampler import LTX2LatentUpsamplerModel

    upsampler = LTX2LatentUpsamplerModel(in_channels=16, mid_channels=64, num_blocks_per_stage=1)
    upsampler.eval().requires_grad_(False)

    def work(device: str) -> torch.Tensor:
        vae = SimpleNamespace(
            latents_mean=torch.zeros(16, device=device),
            latents_std=torch.ones(16, device=device),
            config=SimpleNamespace(scaling_factor=1.0),
        )
        video = torch.zeros(16, 5, 16, 24, device=device)
        return upsample_latents(vae, upsampler.to(device), video)

    assert work("cpu").shape == (16, 5, 32, 48)
    compare(lambda: work("cpu"), lambda: work("meta"), upsampler)


def test_wans_tiles_take_what_is_counted_without_weights() -> None:
    import diffusers

    vae = diffusers.AutoencoderKLWan(base_dim=16, z_dim=16, dim_mult=[1, 2, 2, 2])
    vae.eval().requires_grad_(False)
    vae.enable_tiling(64, 64, tile_sample_stride_height=48, tile_sample_stride_width=48)

    def work(device: str) -> int:
        latents = torch.zeros(16, 3, 12, 12, device=device)
        return sum(1 for _ in decode_frames(vae.to(device), latents, device))

    assert work("cpu") == 9
    compare(lambda: work("cpu"), lambda: work("meta"), vae)


def compare(real: Callable[[], object], hollow: Callable[[], object], part: Any) -> None:
    """Bytes that the allocator gave out beside those that were counted, within the goal."""
    measured = measure_allocations(real)
    meter = Meter()
    meter.ignore(part.to("meta"))
    with torch.no_grad(), meter:
        hollow()
    assert abs(max(meter.host_peaks.values()) / measured - 1) <= GOAL
