"""Sprite through our own loop against diffusers' pipeline, and its stages by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rushes.catalogue.load import find_model
from rushes.hub import find_checkpoint
from rushes.models.base import DenoiseSettings
from rushes.models.ltx2 import LoadedLTX2
from rushes.stages.checkpoint import FileCheckpoint
from tests.models.contract.kit import save_lora_of
from tests.models.golden import NoCheckpoint

PROMPT = "a red ball bounces on a grey background"
STEPS = 3


@pytest.fixture(scope="module")
def settings() -> DenoiseSettings:
    return DenoiseSettings(
        seed=3, first=0, latents=9, audio_offset=0.0, audio_latents=52, height=96, width=96,
        fps=16.0, steps=STEPS, guidance=2.5, audio_guidance=3.0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def latents(sprite: LoadedLTX2, settings: DenoiseSettings) -> dict[str, torch.Tensor]:
    embeds = sprite.encode_text(PROMPT, "")
    return sprite.denoise(embeds, settings, None, lambda done, total: None, NoCheckpoint())


@pytest.fixture(scope="module")
def pipe() -> Any:
    from diffusers import LTX2Pipeline

    folder = find_checkpoint(find_model("sprite"))
    pipe = LTX2Pipeline.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler.register_to_config(stochastic_sampling=False)
    return pipe


OFF = {
    "stg_scale": 0.0, "audio_stg_scale": None, "modality_scale": 1.0, "audio_modality_scale": None,
    "guidance_rescale": 0.0, "audio_guidance_rescale": None,
}  # fmt: skip
"""The pipeline's own defaults make four passes a step; None is the picture's value."""


def run_whole(pipe: Any, **settings: Any) -> Any:
    standard = {
        "num_inference_steps": STEPS, "guidance_scale": 2.5, "audio_guidance_scale": 3.0,
    }  # fmt: skip
    return pipe(
        prompt=PROMPT,
        height=96,
        width=96,
        num_frames=33,
        frame_rate=16.0,
        max_sequence_length=pipe.tokenizer.model_max_length,
        generator=torch.Generator().manual_seed(3),
        output_type="np",
        **{**OFF, **standard, **settings},
    )


STG = "spatio_temporal_guidance_blocks"


@pytest.fixture(scope="module")
def reference(pipe: Any) -> Any:
    return run_whole(pipe)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"stg": 1.0, "stg_blocks": (1,)}, {"stg_scale": 1.0, STG: [1]}),
        ({"modality_guidance": 3.0}, {"modality_scale": 3.0}),
        ({"rescale": 0.7}, {"guidance_rescale": 0.7}),
        (
            {"stg": 0.5, "stg_blocks": (0, 2), "modality_guidance": 2.0, "rescale": 0.7},
            {"stg_scale": 0.5, STG: [0, 2], "modality_scale": 2.0, "guidance_rescale": 0.7},
        ),
        (
            {"guidance": 1.0, "audio_guidance": 1.0, "stg": 1.0, "stg_blocks": (1,)},
            {"guidance_scale": 1.0, "audio_guidance_scale": 1.0, "stg_scale": 1.0, STG: [1]},
        ),
    ],
    ids=["stg", "modality", "rescale", "all", "without a negative prompt"],
)
def test_guidance_is_the_pipelines_to_the_bit(
    ours: dict[str, Any], theirs: dict[str, Any], sprite: LoadedLTX2, settings: DenoiseSettings,
    pipe: Any,
) -> None:  # fmt: skip
    whole = run_whole(pipe, **theirs)
    embeds = sprite.encode_text(PROMPT, "")
    two = replace(settings, **ours)
    made = sprite.denoise(embeds, two, None, lambda done, total: None, NoCheckpoint())
    frames = np.stack(list(sprite.decode_video(made)))
    assert np.array_equal(frames, (whole.frames[0] * 255).round().astype(np.uint8))
    sound = np.concatenate(list(sprite.decode_audio(made)))
    assert np.array_equal(sound, whole.audio[0].T.numpy())


def test_fixed_noise_levels_are_taken_as_they_are(
    sprite: LoadedLTX2, settings: DenoiseSettings, pipe: Any
) -> None:
    sigmas = (1.0, 0.9875, 0.725)
    scheduler = pipe.scheduler
    try:
        fixed = {"use_dynamic_shifting": False, "shift": 1.0, "shift_terminal": None}
        pipe.scheduler = type(scheduler).from_config(scheduler.config, **fixed)
        whole = run_whole(pipe, sigmas=list(sigmas))
    finally:
        pipe.scheduler = scheduler
    embeds = sprite.encode_text(PROMPT, "")
    two = replace(settings, sigmas=sigmas)
    made = sprite.denoise(embeds, two, None, lambda done, total: None, NoCheckpoint())
    frames = np.stack(list(sprite.decode_video(made)))
    assert np.array_equal(frames, (whole.frames[0] * 255).round().astype(np.uint8))


def test_a_shift_replaces_the_one_that_the_length_gives(sprite: LoadedLTX2) -> None:
    from rushes.models.ltx2_denoise import make_schedules

    base = DenoiseSettings(
        seed=0, first=0, latents=9, audio_offset=0.0, audio_latents=52, height=96, width=96,
        fps=16.0, steps=4, guidance=1.0,
    )  # fmt: skip
    scheduler = sprite.part("scheduler")
    firsts = [
        float(make_schedules(scheduler, replace(base, shift=shift), 144, "cpu")["video"].sigmas[1])
        for shift in (1.0, 3.0, 9.0)
    ]
    assert firsts == pytest.approx([s * 0.75 / (1 + (s - 1) * 0.75) for s in (1, 3, 9)], abs=1e-6)


def test_frames_are_the_pipelines_to_the_bit(
    sprite: LoadedLTX2, latents: dict[str, torch.Tensor], reference: Any
) -> None:
    ours = np.stack(list(sprite.decode_video(latents)))
    theirs = (reference.frames[0] * 255).round().astype(np.uint8)
    assert ours.shape == (33, 96, 96, 3)
    assert np.array_equal(ours, theirs)


def test_sound_is_the_pipelines_to_the_bit(
    sprite: LoadedLTX2, latents: dict[str, torch.Tensor], reference: Any
) -> None:
    ours = np.concatenate(list(sprite.decode_audio(latents)))
    assert np.array_equal(ours, reference.audio[0].T.numpy())


def test_the_prompt_matters(sprite: LoadedLTX2) -> None:
    one = sprite.encode_text("a red ball bounces on a grey background", "")
    two = sprite.encode_text("a blue square slides on a black background", "")
    assert torch.equal(one["video"][0], two["video"][0])
    assert not torch.equal(one["video"][1], two["video"][1])


class StopAfter(Exception):
    """Stands for a kill: raised out of the loop from its own progress report."""


def test_a_denoise_resumes_from_its_checkpoint_to_the_same_bits(
    sprite: LoadedLTX2,
    settings: DenoiseSettings,
    latents: dict[str, torch.Tensor],
    tmp_path: Path,
) -> None:
    embeds = sprite.encode_text(PROMPT, "")
    path = tmp_path / "key"

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise StopAfter

    with pytest.raises(StopAfter):
        sprite.denoise(embeds, settings, None, stop, FileCheckpoint(path, 0.0, tmp_path))
    checkpoint = FileCheckpoint(path, 1e9, tmp_path)
    steps: list[int] = []
    again = sprite.denoise(
        embeds, settings, None, lambda done, total: steps.append(done), checkpoint
    )
    assert checkpoint.resumed_step == 2
    assert steps == [3]
    for name, value in latents.items():
        assert torch.equal(again[name], value), name


def test_a_damaged_checkpoint_is_not_trusted(
    sprite: LoadedLTX2,
    settings: DenoiseSettings,
    latents: dict[str, torch.Tensor],
    tmp_path: Path,
) -> None:
    embeds = sprite.encode_text(PROMPT, "")
    path = tmp_path / "key"
    saving = FileCheckpoint(path, 0.0, tmp_path)
    sprite.denoise(embeds, settings, None, lambda done, total: None, saving)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
    checkpoint = FileCheckpoint(path, 1e9, tmp_path)
    again = sprite.denoise(embeds, settings, None, lambda done, total: None, checkpoint)
    assert checkpoint.resumed_step is None
    assert torch.equal(again["video"], latents["video"])


def random_latents(frames: int, seconds: float) -> dict[str, torch.Tensor]:
    grid = find_model("sprite").latents
    generator = torch.Generator().manual_seed(0)
    length = round(seconds * grid.audio.per_second)
    return {
        "video": torch.randn(grid.video_channels, frames, 4, 4, generator=generator),
        "audio": torch.randn(grid.audio.channels, length, grid.audio.mel_bins, generator=generator),
    }


def test_long_pictures_are_diffusers_own_tiles(
    sprite: LoadedLTX2, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rushes.models import ltx2_decode

    monkeypatch.setattr(ltx2_decode, "VIDEO_WINDOW", 4)
    monkeypatch.setattr(ltx2_decode, "VIDEO_STRIDE", 3)
    latents = random_latents(13, 1.0)
    ours = np.stack(list(sprite.decode_video(latents)))
    vae = sprite.part("vae")
    factor = vae.temporal_compression_ratio
    monkeypatch.setattr(vae, "use_framewise_decoding", True)
    monkeypatch.setattr(vae, "tile_sample_min_num_frames", 4 * factor)
    monkeypatch.setattr(vae, "tile_sample_stride_num_frames", 3 * factor)
    std, mean = (getattr(vae, f"latents_{s}").view(1, -1, 1, 1, 1) for s in ("std", "mean"))
    with torch.inference_mode():
        whole = vae.decode(latents["video"][None] * std + mean, return_dict=False)[0]
    theirs = ((whole[0] / 2 + 0.5).clamp(0, 1).permute(1, 2, 3, 0).numpy() * 255).round()
    assert ours.shape == theirs.shape
    assert np.array_equal(ours, theirs.astype(np.uint8))


def test_long_sound_in_windows_is_the_sound_in_one(
    sprite: LoadedLTX2, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rushes.models import ltx2_decode

    latents = random_latents(1, 8.0)
    blocks = list(sprite.decode_audio(latents))
    assert len(blocks) == 13
    monkeypatch.setattr(ltx2_decode, "AUDIO_WINDOW", 1000)
    (whole,) = sprite.decode_audio(latents)
    pieces = np.concatenate(blocks)
    assert pieces.shape == whole.shape
    assert np.abs(pieces - whole).max() < 1e-5


@pytest.fixture(scope="module")
def wide_vocoder() -> Any:
    """A tiny vocoder of the kind that LTX-2.3 has, with the random weights of a checkpoint."""
    from diffusers.pipelines.ltx2.vocoder import LTX2VocoderWithBWE

    torch.manual_seed(0)
    vocoder = LTX2VocoderWithBWE(
        hidden_channels=64, bwe_hidden_channels=32, upsample_factors=[5, 4, 4, 2],
        upsample_kernel_sizes=[11, 8, 8, 4], bwe_upsample_factors=[6, 5, 4, 2],
        bwe_upsample_kernel_sizes=[12, 11, 8, 4],
    )  # fmt: skip
    for name, buffer in vocoder.named_buffers():
        if "mel_stft" in name:
            torch.nn.init.uniform_(buffer, 0.0, 0.05)
    return vocoder.eval().requires_grad_(False)


def test_a_vocoder_that_raises_the_rate_gives_all_its_samples(
    sprite: LoadedLTX2, wide_vocoder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rushes.models import ltx2_decode

    latents = random_latents(1, 8.0)["audio"]
    audio_vae = sprite.part("audio_vae")
    pieces = np.concatenate(list(ltx2_decode.decode_samples(audio_vae, wide_vocoder, latents)))
    monkeypatch.setattr(ltx2_decode, "AUDIO_WINDOW", 1000)
    (whole,) = ltx2_decode.decode_samples(audio_vae, wide_vocoder, latents)
    frames = audio_vae.temporal_compression_ratio * (latents.shape[1] - 1) + 1
    assert whole.shape == (frames * 480, 2)  # 160 samples a frame at 16 kHz, 480 at 48
    assert pieces.shape == whole.shape
    assert np.abs(whole).max() > 1e-3
    assert np.abs(pieces - whole).max() < 1e-5


def iterate_frames(sprite: LoadedLTX2, frames: int) -> Iterator[int]:
    for frame in sprite.decode_video(random_latents(frames, 1.0)):
        yield int(frame.sum())


def test_every_length_decodes_to_its_frames(sprite: LoadedLTX2) -> None:
    factor = find_model("sprite").latents.video_frames
    for count in (1, 2, 9, 17, 18, 29, 30, 31):
        total = sum(1 for _ in iterate_frames(sprite, count))
        assert total == (count - 1) * factor + 1, count


def test_a_lora_acts_as_in_the_pipeline_and_leaves_no_trace(
    sprite: LoadedLTX2,
    settings: DenoiseSettings,
    latents: dict[str, torch.Tensor],
    pipe: Any,
    tmp_path: Path,
) -> None:
    path = tmp_path / "lora.safetensors"
    save_lora_of(sprite.part("transformer"), path, ["to_q", "to_v"])
    embeds = sprite.encode_text(PROMPT, "")
    made, plain = (
        sprite.denoise(
            embeds, replace(settings, loras=loras), None, lambda done, total: None, NoCheckpoint()
        )
        for loras in (((path, 0.5),), ())
    )
    assert torch.equal(plain["video"], latents["video"])
    pipe.load_lora_weights(str(path), adapter_name="lora")
    pipe.set_adapters(["lora"], [0.5])
    theirs = run_whole(pipe)
    pipe.unload_lora_weights()
    frames = np.stack(list(sprite.decode_video(made)))
    assert np.array_equal(frames, (theirs.frames[0] * 255).round().astype(np.uint8))
    assert not torch.equal(made["video"], plain["video"])
