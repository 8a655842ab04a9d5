"""A denoising loop that can be stopped at any step and goes on to the same bits.

Diffusers' schedulers keep a history between steps (UniPC and DPM the last predictions, the
flow-matching Euler an index). Here it is part of the checkpoint, with the latents and the
generator's state, all as tensors.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch

from rushes.models.base import Checkpoint, Progress

if TYPE_CHECKING:
    from rushes.models.base import Tensors

Predict = Callable[["Tensors", torch.Tensor, int], "Tensors"]
"""From the latents, the timestep (0-d, the scheduler's own scale) and the step's number from 0 to
what the scheduler of each name takes as the model's output, of the latents' shape."""

STATE = "scheduler"


@torch.inference_mode()
def run_steps(
    schedulers: Mapping[str, Any],
    latents: Tensors,
    predict: Predict,
    generator: torch.Generator,
    report: Progress,
    checkpoint: Checkpoint,
    keep: Mapping[str, torch.Tensor | None] = MappingProxyType({}),
) -> Tensors:
    """Denoise ``latents`` with one scheduler for each of their names.

    Args:
        schedulers: with their timesteps set, and used by nothing else (``copy.deepcopy`` a part);
            the first one's timesteps are told to ``predict``.
        latents: starting noise, of any shape; each keeps its dtype from step to step.
        generator: goes on from where the starting noise left it; feeds schedulers that add noise.
        report: told (steps done, steps in all) after every step.
        keep: by name, where (bool, broadcast over the latents) what they start with is given and
            stays: a scheduler that adds noise adds it everywhere.

    Returns:
        The latents after the last step, by the same names.
    """
    steppers = {name: _Stepper(scheduler, generator) for name, scheduler in schedulers.items()}
    timesteps = next(iter(schedulers.values())).timesteps
    first, start = 0, latents
    if (state := checkpoint.load()) is not None:
        latents = {name: state[name].to(old) for name, old in latents.items()}
        generator.set_state(state["generator"])
        first = int(state["step"])
        for name, stepper in steppers.items():
            stepper.restore(state, f"{STATE}/{name}/", latents[name].device)
    for step in range(first, len(timesteps)):
        predicted = predict(latents, timesteps[step], step)
        latents = {
            name: stepper.move(predicted[name], step, latents[name])
            for name, stepper in steppers.items()
        }
        for name, mask in keep.items():
            if mask is not None:
                latents[name] = torch.where(mask, start[name], latents[name])
        report(step + 1, len(timesteps))
        # by default arguments: nothing is copied where the checkpoint does not save
        checkpoint.offer(lambda now=latents, done=step + 1: _keep(now, done, generator, steppers))
    return latents


def _keep(
    latents: Tensors, done: int, generator: torch.Generator, steppers: Mapping[str, _Stepper]
) -> Tensors:
    state = {**latents, "step": torch.tensor(done), "generator": generator.get_state()}
    for name, stepper in steppers.items():
        state.update(stepper.keep(f"{STATE}/{name}/"))
    # timesteps are views of one storage, which safetensors would refuse
    return {name: value.clone() for name, value in state.items()}


class _Stepper:
    """One scheduler: its steps, and what they changed of it."""

    def __init__(self, scheduler: Any, generator: torch.Generator) -> None:
        self.scheduler, self.generator = scheduler, generator
        self.previous: torch.Tensor | None = None
        if getattr(scheduler, "begin_index", 0) is None:
            scheduler.set_begin_index(0)
        self._fresh = {name: _shallow(value) for name, value in vars(scheduler).items()}
        known = inspect.signature(scheduler.step).parameters
        self._more = {"generator": generator} if "generator" in known else {}
        self._looks_back = "old_pred_original_sample" in known

    def move(self, predicted: torch.Tensor, step: int, latents: torch.Tensor) -> torch.Tensor:
        """The latents one step on, in their own dtype."""
        times = self.scheduler.timesteps
        if self._looks_back:  # CogVideoX's DPM: the loop, not the scheduler, keeps the last x_0
            moved, self.previous = self.scheduler.step(
                predicted, self.previous, times[step], times[step - 1] if step > 0 else None,
                latents, **self._more, return_dict=False,
            )  # fmt: skip
        else:
            moved = self.scheduler.step(
                predicted, times[step], latents, **self._more, return_dict=False
            )[0]
        return moved.to(latents.dtype)

    def keep(self, prefix: str) -> Tensors:
        """Every attribute that steps have changed; the kind of a value is in its name."""
        found = dict(_describe("previous", self.previous))
        for name, value in vars(self.scheduler).items():
            if name not in self._fresh or not _is_same(value, self._fresh[name]):
                found.update(_describe(name, value))
        return {prefix + name: value for name, value in found.items()}

    def restore(self, state: Tensors, prefix: str, device: torch.device) -> None:
        """The scheduler as :meth:`keep` found it."""
        for path, value in state.items():
            if not path.startswith(prefix):
                continue
            kind, name, *place = path.removeprefix(prefix).split("/")
            found = value.item() if kind == "number" else value.to(device)
            if name == "previous":
                self.previous = found
            elif place:
                getattr(self.scheduler, name)[int(place[0])] = found
            else:
                setattr(self.scheduler, name, found)


def _shallow(value: Any) -> Any:
    return list(value) if isinstance(value, list) else value


def _is_same(value: Any, before: Any) -> bool:
    if isinstance(value, list) and isinstance(before, list):
        return len(value) == len(before) and all(map(_is_same, value, before))
    return value is before or (isinstance(value, (bool, int, float, str)) and value == before)


def _describe(name: str, value: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """A value as named tensors; None needs none: it is what a fresh scheduler has there."""
    if isinstance(value, torch.Tensor):
        yield f"tensor/{name}", value
    elif isinstance(value, (bool, int, float)):
        exact = torch.float64 if isinstance(value, float) else None
        yield f"number/{name}", torch.tensor(value, dtype=exact)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            for path, tensor in _describe(name, item):
                yield f"{path}/{place}", tensor
    else:
        assert value is None, f"a scheduler changed {name}, which no checkpoint can hold"
