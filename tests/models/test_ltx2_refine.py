"""LTX-2 made larger, against diffusers' two pipelines, and tile by tile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.memory.meter import measure_allocations
from rushes.models.base import DenoiseSettings, Given, Tiling
from rushes.models.ltx2 import LoadedLTX2
from rushes.models.ltx2_refine import blend_weight, upsample_latents
from rushes.models.tiling import lay_tiles
from tests.models.golden import NoCheckpoint
from tests.models.killed import Killed, KilledAfter

SIGMAS = (0.909375, 0.725, 0.421875)
SETTINGS = DenoiseSettings(
    seed=5, first=0, latents=5, audio_offset=0.0, audio_latents=27, height=192, width=192,
    fps=16.0, steps=3, guidance=1.0, sigmas=SIGMAS,
)  # fmt: skip
Tensors = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def upsampler() -> Any:
    from diffusers.pipelines.ltx2.latent_upsampler import LTX2LatentUpsamplerModel

    torch.manual_seed(1)
    return LTX2LatentUpsamplerModel(in_channels=64, mid_channels=32, num_blocks_per_stage=1).eval()


@pytest.fixture(scope="module")
def embeds(sprite: LoadedLTX2) -> Tensors:
    return sprite.encode_text("a red ball bounces on a grey background", "")


@pytest.fixture(scope="module")
def small(sprite: LoadedLTX2, embeds: Tensors) -> Tensors:
    settings = replace(SETTINGS, height=96, width=96, guidance=2.0, steps=2, sigmas=())
    return sprite.denoise(embeds, settings, None, lambda done, total: None, NoCheckpoint())


@pytest.fixture(scope="module")
def start(sprite: LoadedLTX2, small: Tensors, upsampler: Any) -> Tensors:
    larger = upsample_latents(sprite.part("vae"), upsampler, small["video"])
    assert larger.shape == (64, 5, 8, 8)
    return {**small, "video": larger}


def refine(
    sprite: LoadedLTX2, embeds: Tensors, start: Tensors, tiling: Tiling | None = None,
    given: Given | None = None, checkpoint: Any = None,
) -> Tensors:  # fmt: skip
    return sprite.refine(
        embeds, SETTINGS, start, given, tiling, lambda done, total: None,
        checkpoint or NoCheckpoint(),
    )  # fmt: skip


def test_upsampling_is_the_pipelines_to_the_bit(
    sprite: LoadedLTX2, small: Tensors, upsampler: Any
) -> None:
    from diffusers import LTX2LatentUpsamplePipeline

    vae = sprite.part("vae")
    pipe = LTX2LatentUpsamplePipeline(vae=vae, latent_upsampler=upsampler)
    raw = pipe(
        latents=small["video"][None], latents_normalized=True, height=96, width=96, num_frames=17,
        output_type="latent", return_dict=False,
    )[0]  # fmt: skip
    mean, std = (t.view(1, -1, 1, 1, 1) for t in (vae.latents_mean, vae.latents_std))
    ours = upsample_latents(vae, upsampler, small["video"])
    assert torch.equal(ours, ((raw - mean) * vae.config.scaling_factor / std)[0])


def test_refining_is_the_pipelines(sprite: LoadedLTX2, embeds: Tensors, start: Tensors) -> None:
    """Not to the bit: the pipeline takes latents unnormalised and normalises them again."""
    from diffusers import LTX2Pipeline

    parts = {
        name: sprite.part(name)
        for name in ("vae", "audio_vae", "text_encoder", "tokenizer", "connectors", "transformer",
                     "vocoder")
    }  # fmt: skip
    fixed = {"use_dynamic_shifting": False, "shift": 1.0, "shift_terminal": None}
    scheduler = sprite.part("scheduler")
    pipe = LTX2Pipeline(scheduler=type(scheduler).from_config(scheduler.config, **fixed), **parts)
    pipe.set_progress_bar_config(disable=True)
    vae, audio_vae = parts["vae"], parts["audio_vae"]
    mean, std = (t.view(1, -1, 1, 1, 1) for t in (vae.latents_mean, vae.latents_std))
    packed = start["audio"][None].transpose(1, 2).flatten(2)
    audio = packed * audio_vae.latents_std + audio_vae.latents_mean
    video, sound = pipe(
        prompt="a red ball bounces on a grey background",
        latents=start["video"][None] * std / vae.config.scaling_factor + mean,
        audio_latents=audio.unflatten(2, (4, 16)).transpose(1, 2),
        noise_scale=SIGMAS[0], sigmas=list(SIGMAS), num_inference_steps=3, height=192, width=192,
        num_frames=17, frame_rate=16.0, guidance_scale=1.0, audio_guidance_scale=1.0,
        stg_scale=0.0, audio_stg_scale=None, modality_scale=1.0, audio_modality_scale=None,
        guidance_rescale=0.0, audio_guidance_rescale=None, output_type="latent",
        max_sequence_length=parts["tokenizer"].model_max_length, return_dict=False,
        generator=torch.Generator().manual_seed(5),
    )  # fmt: skip
    ours = refine(sprite, embeds, start)
    theirs = ((video - mean) * vae.config.scaling_factor / std)[0]
    assert (ours["video"] - theirs).abs().max() < 2e-4
    heard = sound.transpose(1, 2).flatten(2)
    heard = (heard - audio_vae.latents_mean) / audio_vae.latents_std
    heard = heard.unflatten(2, (4, 16)).transpose(1, 2)[0]
    assert (ours["audio"] - heard).abs().max() < 2e-4


def test_one_tile_is_the_whole_with_its_sound_kept(
    sprite: LoadedLTX2, embeds: Tensors, start: Tensors
) -> None:
    nothing = torch.zeros(5, dtype=torch.bool)
    heard = torch.ones(27, dtype=torch.bool)
    given = Given(torch.empty(0), nothing, start["audio"], heard)
    whole = refine(sprite, embeds, start, given=given)
    tiled = refine(sprite, embeds, start, Tiling((8, 8), 2))
    assert (whole["video"] - tiled["video"]).abs().max() < 1e-5
    assert torch.equal(tiled["audio"], start["audio"])


def test_tiles_meet_without_a_seam(sprite: LoadedLTX2, embeds: Tensors, start: Tensors) -> None:
    """Steps between neighbouring latents are no larger where tiles meet than elsewhere."""
    made = refine(sprite, embeds, start, Tiling((5, 5), 2))["video"]
    across = (made[..., 1:] - made[..., :-1]).abs().mean(dim=(0, 1, 2))
    assert made.isfinite().all()
    assert across[3:5].max() < 1.5 * across.median()


def test_a_killed_tiled_refinement_goes_on_to_the_same_bits(
    sprite: LoadedLTX2, embeds: Tensors, start: Tensors
) -> None:
    tiling = Tiling((6, 6), 2)
    want = refine(sprite, embeds, start, tiling)
    checkpoint = KilledAfter(2)
    with pytest.raises(Killed):
        refine(sprite, embeds, start, tiling, checkpoint=checkpoint)
    again = refine(sprite, embeds, start, tiling, checkpoint=checkpoint)
    assert torch.equal(again["video"], want["video"])


def test_a_first_picture_is_kept_in_every_tile(
    sprite: LoadedLTX2, embeds: Tensors, start: Tensors
) -> None:
    video = torch.zeros_like(start["video"])
    video[:, :1] = torch.randn(64, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    first = torch.tensor([True, False, False, False, False])
    given = Given(video, first, torch.empty(0), torch.zeros(27, dtype=torch.bool))
    made = refine(sprite, embeds, start, Tiling((5, 5), 2), given)["video"]
    assert torch.equal(made[:, 0], video[:, 0])


def test_weights_of_tiles_add_up_to_something_everywhere() -> None:
    total = torch.zeros(9, 13)
    for tile in lay_tiles(9, 13, (5, 6), 2):
        weight = blend_weight(tile, (9, 13), 2)
        total[tile.top : tile.top + 5, tile.left : tile.left + 6] += weight
    assert total.min() > 0


def test_an_adapter_of_the_checkpoint_is_put_on_for_the_refinement_alone(
    sprite: LoadedLTX2, embeds: Tensors, start: Tensors, tmp_path: Path
) -> None:
    from tests.models.contract.kit import save_lora_of

    plain = refine(sprite, embeds, start)
    (tmp_path / "distilled_lora").mkdir()
    transformer = sprite.part("transformer")
    save_lora_of(transformer, tmp_path / "distilled_lora" / "a.safetensors", ["to_q"])
    folder, sprite.folder = sprite.folder, tmp_path
    try:
        with_lora = sprite.refine(
            embeds, replace(SETTINGS, lora="distilled_lora"), start, None, None,
            lambda done, total: None, NoCheckpoint(),
        )  # fmt: skip
    finally:
        sprite.folder = folder
    assert not torch.equal(with_lora["video"], plain["video"])
    assert torch.equal(refine(sprite, embeds, start)["video"], plain["video"])


def test_more_tiles_take_no_more_than_the_clip_itself(sprite: LoadedLTX2, embeds: Tensors) -> None:
    """Four tiles and nine: what is added is a few copies of the clip's latents, and no tile."""
    audio = sprite.model.latents.audio
    assert audio is not None
    peaks, sizes = [], []
    for tiles in (2, 3):
        side = 6 * tiles + 2
        settings = replace(
            SETTINGS, height=24 * side, width=24 * side, latents=3, audio_latents=15, steps=1,
            sigmas=(0.9,),
        )  # fmt: skip
        noise = torch.Generator().manual_seed(0)
        start = {
            "video": torch.randn(64, 3, side, side, generator=noise),
            "audio": torch.randn(audio.channels, 15, audio.mel_bins, generator=noise),
        }
        assert len(lay_tiles(side, side, (8, 8), 2)) == tiles**2

        def work(settings: DenoiseSettings = settings, start: Tensors = start) -> Tensors:
            return sprite.refine(
                embeds, settings, start, None, Tiling((8, 8), 2), lambda done, total: None,
                NoCheckpoint(),
            )  # fmt: skip

        if not peaks:
            work()  # the part is loaded
        peaks.append(measure_allocations(work))
        sizes.append(start["video"].nbytes)
    assert peaks[1] - peaks[0] < 3 * (sizes[1] - sizes[0])
