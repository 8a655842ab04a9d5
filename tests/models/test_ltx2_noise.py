"""Sprite's own steps, which add noise: the pipeline's, from the take's seed, and what is given."""

from __future__ import annotations

from dataclasses import replace
from functools import partialmethod
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, LTX2Pipeline

from rushes.catalogue.load import find_model
from rushes.catalogue.model import Speed
from rushes.hub import find_checkpoint
from rushes.models.base import DenoiseSettings, Given
from rushes.models.ltx2 import LoadedLTX2
from tests.models.golden import NoCheckpoint
from tests.models.killed import Killed, KilledAfter

PROMPT = "a red ball bounces on a grey background"
SETTINGS = DenoiseSettings(
    seed=3, first=0, latents=5, audio_offset=0.0, audio_latents=27, height=96, width=96,
    fps=16.0, steps=4, guidance=2.0, audio_guidance=2.0,
)  # fmt: skip


@pytest.fixture(scope="module")
def embeds(noisy_sprite: LoadedLTX2) -> dict[str, torch.Tensor]:
    return noisy_sprite.encode_text(PROMPT, "")


def denoise(
    sprite: LoadedLTX2, embeds: dict[str, torch.Tensor], given: Given | None = None,
    checkpoint: Any = None,
) -> dict[str, torch.Tensor]:  # fmt: skip
    return sprite.denoise(
        embeds, SETTINGS, given, lambda done, total: None, checkpoint or NoCheckpoint()
    )


@pytest.fixture
def given() -> Given:
    """A first latent, sound from the middle on, and a picture of a later moment."""
    draw = torch.Generator().manual_seed(0)
    return Given(
        torch.randn(64, 5, 4, 4, generator=draw), torch.arange(5) == 0,
        torch.randn(4, 27, 16, generator=draw), torch.arange(27) > 13,
        ((16, torch.randn(64, 1, 4, 4, generator=draw)),),
    )  # fmt: skip


def test_steps_are_the_pipelines_to_the_bit_with_one_generator(
    noisy_sprite: LoadedLTX2, embeds: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pipeline gives the scheduler none, which then draws from the process's; here its own."""
    generator = torch.Generator().manual_seed(SETTINGS.seed)
    step = partialmethod(FlowMatchEulerDiscreteScheduler.step, generator=generator)
    monkeypatch.setattr(FlowMatchEulerDiscreteScheduler, "step", step)
    pipe = LTX2Pipeline.from_pretrained(
        find_checkpoint(find_model("sprite")), dtype=torch.float32, local_files_only=True
    )
    pipe.set_progress_bar_config(disable=True)
    assert pipe.scheduler.config.stochastic_sampling
    whole = pipe(
        prompt=PROMPT, height=96, width=96, num_frames=17, frame_rate=16.0,
        max_sequence_length=pipe.tokenizer.model_max_length, num_inference_steps=SETTINGS.steps,
        guidance_scale=2.0, audio_guidance_scale=2.0, stg_scale=0.0, audio_stg_scale=None,
        modality_scale=1.0, audio_modality_scale=None, guidance_rescale=0.0,
        audio_guidance_rescale=None, generator=generator, output_type="np",
    )  # fmt: skip
    monkeypatch.undo()
    made = denoise(noisy_sprite, embeds)
    frames = np.stack(list(noisy_sprite.decode_video(made)))
    assert np.array_equal(frames, (whole.frames[0] * 255).round().astype(np.uint8))


def test_noise_is_of_the_seed(
    noisy_sprite: LoadedLTX2, sprite: LoadedLTX2, embeds: dict[str, torch.Tensor]
) -> None:
    one, two = (denoise(noisy_sprite, embeds) for _ in range(2))
    assert torch.equal(one["video"], two["video"])
    assert torch.equal(one["audio"], two["audio"])
    assert not torch.equal(one["video"], denoise(sprite, embeds)["video"])


def test_shortcuts_take_no_noise(
    noisy_sprite: LoadedLTX2, sprite: LoadedLTX2, embeds: dict[str, torch.Tensor]
) -> None:
    """What is extrapolated knows nothing of noise that came since."""
    settings = replace(SETTINGS, speed=Speed("taylorseer", 2, 2))
    made = [
        one.denoise(embeds, settings, None, lambda done, total: None, NoCheckpoint())
        for one in (noisy_sprite, sprite)
    ]
    assert torch.equal(made[0]["video"], made[1]["video"])


def test_what_is_given_stays(
    noisy_sprite: LoadedLTX2, embeds: dict[str, torch.Tensor], given: Given
) -> None:
    made = denoise(noisy_sprite, embeds, given)
    assert torch.equal(made["video"][:, 0], given.video[:, 0])
    assert torch.equal(made["audio"][:, 14:], given.audio[:, 14:])
    assert not torch.isclose(made["video"][:, 1:], given.video[:, 1:]).all()


def test_a_killed_denoise_goes_on_to_the_same_bits(
    noisy_sprite: LoadedLTX2, embeds: dict[str, torch.Tensor], given: Given
) -> None:
    want = denoise(noisy_sprite, embeds, given)
    checkpoint = KilledAfter(2)
    with pytest.raises(Killed):
        denoise(noisy_sprite, embeds, given, checkpoint)
    made = denoise(noisy_sprite, embeds, given, checkpoint)
    assert all(torch.equal(made[name], want[name]) for name in want)
