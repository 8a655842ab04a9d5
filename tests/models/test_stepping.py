"""Every kind of scheduler goes on after a kill to the bits of an undisturbed run."""

from __future__ import annotations

from typing import Any

import diffusers
import pytest
import torch

from rushes.models.stepping import run_steps
from tests.models.golden import NoCheckpoint
from tests.models.killed import Killed, KilledAfter

STEPS = 5
FLOW = {"prediction_type": "flow_prediction", "use_flow_sigmas": True, "flow_shift": 3.0}
SCHEDULERS = {
    "unipc": lambda: diffusers.UniPCMultistepScheduler(**FLOW),
    "unipc of order 3": lambda: diffusers.UniPCMultistepScheduler(solver_order=3, **FLOW),
    "dpm": lambda: diffusers.DPMSolverMultistepScheduler(**FLOW),
    "euler": lambda: diffusers.FlowMatchEulerDiscreteScheduler(shift=5.0),
    "noisy euler": lambda: diffusers.FlowMatchEulerDiscreteScheduler(stochastic_sampling=True),
    "ddim of CogVideoX": lambda: diffusers.CogVideoXDDIMScheduler(),
    "dpm of CogVideoX": lambda: diffusers.CogVideoXDPMScheduler(),
}


def denoise(name: str, checkpoint: Any, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    scheduler = SCHEDULERS[name]()
    scheduler.set_timesteps(STEPS)
    generator = torch.Generator().manual_seed(3)
    noise = torch.randn(1, 4, 2, 4, 4, generator=generator, dtype=dtype)

    def predict(latents: dict[str, torch.Tensor], t: torch.Tensor, step: int) -> Any:
        return {"video": torch.tanh(latents["video"] * 3 + t / 1000)}

    return run_steps(
        {"video": scheduler}, {"video": noise}, predict, generator, lambda *_: None, checkpoint
    )["video"]


@pytest.mark.parametrize("name", SCHEDULERS)
@pytest.mark.parametrize("steps", [1, 3, 4])
def test_a_killed_denoise_goes_on_to_the_same_bits(name: str, steps: int) -> None:
    whole = denoise(name, NoCheckpoint())
    checkpoint = KilledAfter(steps)
    with pytest.raises(Killed):
        denoise(name, checkpoint)
    assert torch.equal(denoise(name, checkpoint), whole)
    assert checkpoint.seen == STEPS


def test_the_loop_is_the_plain_one() -> None:
    scheduler = SCHEDULERS["unipc"]()
    scheduler.set_timesteps(STEPS)
    latents = torch.randn(1, 4, 2, 4, 4, generator=torch.Generator().manual_seed(3))
    for t in scheduler.timesteps:
        predicted = torch.tanh(latents * 3 + t / 1000)
        latents = scheduler.step(predicted, t, latents, return_dict=False)[0]
    assert torch.equal(denoise("unipc", NoCheckpoint()), latents)


def test_what_is_given_stays_where_steps_add_noise() -> None:
    """A prediction never sees it noised."""
    scheduler = SCHEDULERS["noisy euler"]()
    scheduler.set_timesteps(STEPS)
    generator = torch.Generator().manual_seed(3)
    start = torch.randn(1, 6, 4, generator=generator)
    given = torch.tensor([True, False, False, True, False, False])[:, None]
    seen = []

    def predict(latents: dict[str, torch.Tensor], t: torch.Tensor, step: int) -> Any:
        seen.append(latents["video"])
        return {"video": torch.tanh(latents["video"]).masked_fill(given, 0.0)}

    made = run_steps(
        {"video": scheduler}, {"video": start}, predict, generator, lambda *_: None,
        NoCheckpoint(), {"video": given},
    )["video"]  # fmt: skip
    assert len(seen) == STEPS
    for latents in (*seen, made):
        assert torch.equal(latents[:, given[:, 0]], start[:, given[:, 0]])
    assert not torch.isclose(made, start)[:, ~given[:, 0]].any()


def test_latents_keep_their_dtype() -> None:
    assert denoise("euler", NoCheckpoint(), torch.bfloat16).dtype == torch.bfloat16
