"""A control that a LoRA reads, against diffusers' in-context pipeline: tokens beside the clip's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rushes.catalogue.load import find_model
from rushes.hub import find_checkpoint
from rushes.models import ltx2_passes
from rushes.models.base import DenoiseSettings, Given
from rushes.models.ltx2 import LoadedLTX2
from tests.models.contract.kit import clip, save_lora_of
from tests.models.golden import NoCheckpoint

PROMPT = "a red ball bounces on a grey background"
FRAMES, SIZE = 17, 96
SETTINGS = DenoiseSettings(
    seed=3, first=0, latents=5, audio_offset=0.0, audio_latents=27, height=SIZE, width=SIZE,
    fps=16.0, steps=2, guidance=2.5, audio_guidance=3.0, stg=1.0, stg_blocks=(1,),
    modality_guidance=2.0, rescale=0.7,
)  # fmt: skip


@pytest.fixture(scope="module")
def lora(sprite: LoadedLTX2, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lora") / "reads.safetensors"
    save_lora_of(sprite.part("transformer"), path, ["to_q", "to_v"])
    return path


@pytest.fixture(scope="module")
def pipe() -> Any:
    from diffusers import LTX2InContextPipeline

    folder = find_checkpoint(find_model("sprite"))
    pipe = LTX2InContextPipeline.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler.register_to_config(stochastic_sampling=False)
    return pipe


def as_pixels(frames: list[Any]) -> torch.Tensor:
    """(F, 3, H, W) in [-1, 1], rounded as Lightricks' code and ours round."""
    return torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).float() / 127.5 - 1


def give(sprite: LoadedLTX2, frames: list[Any], side: int, *, first: Any = None) -> Given:
    keep = torch.zeros(SETTINGS.latents, dtype=torch.bool)
    video = torch.empty(0)
    if first is not None:
        keep[0] = True
        picture = sprite.encode_video([first], SIZE, SIZE)
        video = torch.zeros(picture.shape[0], SETTINGS.latents, *picture.shape[2:])
        video[:, :1] = picture
    heard = torch.zeros(SETTINGS.audio_latents, dtype=torch.bool)
    control = sprite.encode_video(frames, side, side)
    return Given(video, keep, torch.empty(0), heard, (), control)


def denoise(
    sprite: LoadedLTX2, given: Given | None, settings: DenoiseSettings
) -> dict[str, torch.Tensor]:
    embeds = sprite.encode_text(PROMPT, "")
    return sprite.denoise(embeds, settings, given, lambda done, total: None, NoCheckpoint())


def use_diffusers_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cross-modal times as diffusers 0.42.1 has them, in the place of Lightricks'."""

    def predict(transformer: Any, timestep: Any, audio_timestep: Any, **call: Any) -> Any:
        return transformer(
            timestep=timestep, audio_timestep=audio_timestep, use_cross_timestep=True,
            return_dict=False, **call,
        )  # fmt: skip

    monkeypatch.setattr(ltx2_passes, "predict", predict)


def run_whole(pipe: Any, lora: Path, frames: list[Any], scale: int, *, first: Any = None) -> Any:
    from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2VideoCondition
    from diffusers.pipelines.ltx2.pipeline_ltx2_ic_lora import LTX2ReferenceCondition

    conditions = None if first is None else [LTX2VideoCondition(first, 0, 1.0, crf=0)]
    pipe.load_lora_weights(str(lora), adapter_name="lora")
    try:
        return pipe(
            prompt=PROMPT, negative_prompt="", height=SIZE, width=SIZE, num_frames=FRAMES,
            frame_rate=16.0, num_inference_steps=2, guidance_scale=2.5, audio_guidance_scale=3.0,
            stg_scale=1.0, audio_stg_scale=None, spatio_temporal_guidance_blocks=[1],
            modality_scale=2.0, audio_modality_scale=None, guidance_rescale=0.7,
            audio_guidance_rescale=None, conditions=conditions,
            reference_conditions=[LTX2ReferenceCondition(as_pixels(frames))],
            reference_downscale_factor=scale, max_sequence_length=pipe.tokenizer.model_max_length,
            generator=torch.Generator().manual_seed(3), output_type="np",
        )  # fmt: skip
    finally:
        pipe.unload_lora_weights()


@pytest.mark.parametrize("pictured", [False, True], ids=["alone", "with a first picture"])
@pytest.mark.parametrize("scale", [1, 2])
def test_a_control_acts_as_in_the_pipeline_to_the_bit_with_its_times(
    scale: int, pictured: bool, sprite: LoadedLTX2, pipe: Any, lora: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The pipeline's cross-modal times differ from Lightricks' where tokens are given (ADR 4); with
    its own put in, everything else is the pipeline's."""
    side = SIZE // scale
    frames = clip(FRAMES, side, side)
    first = clip(1, SIZE, SIZE, 9)[0] if pictured else None
    whole = run_whole(pipe, lora, frames, scale, first=first)
    settings = replace(SETTINGS, loras=((lora, 1.0),))
    given = give(sprite, frames, side, first=first)
    lightricks = denoise(sprite, given, settings)
    use_diffusers_times(monkeypatch)
    made = denoise(sprite, given, settings)
    pictures = np.stack(list(sprite.decode_video(made)))
    assert np.array_equal(pictures, (whole.frames[0] * 255).round().astype(np.uint8))
    sound = np.concatenate(list(sprite.decode_audio(made)))
    assert np.array_equal(sound, whole.audio[0].T.numpy())
    assert not torch.equal(lightricks["video"], made["video"])


def test_a_control_is_seen_and_is_no_part_of_the_clip(sprite: LoadedLTX2) -> None:
    one, two = (give(sprite, clip(FRAMES, SIZE, SIZE, seed), SIZE) for seed in (1, 2))
    made = [denoise(sprite, given, SETTINGS)["video"] for given in (one, two)]
    assert made[0].shape == (64, SETTINGS.latents, 4, 4)
    assert not torch.equal(made[0], made[1])


def test_the_smaller_control_lies_where_the_clip_does(sprite: LoadedLTX2) -> None:
    from rushes.models.ltx2_tokens import control_coords

    rope = sprite.part("transformer").rope
    whole = rope.prepare_video_coords(1, 5, 4, 4, torch.device("cpu"), fps=16.0)
    small = control_coords(rope, (5, 2, 2), 2, 16.0)
    assert torch.equal(control_coords(rope, (5, 4, 4), 1, 16.0), whole)
    assert torch.equal(small[:, :, :, 1].amax(2), whole[:, :, :, 1].amax(2))
    assert torch.equal(small[:, 0].unique(), whole[:, 0].unique())
