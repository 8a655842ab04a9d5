"""Wan's denoising loop: one transformer, or two experts of which the second takes the low noise.

An own loop, so that it can be stopped and resumed at any step; with the same generator it gives
the bits of ``WanPipeline``, ``WanImageToVideoPipeline`` and ``WanVACEPipeline`` (diffusers 0.42.1).

Reference: Wan, 2025 (arXiv 2503.20314): flow matching, v = noise - x_0; guidance: Ho and Salimans
2022, on the velocities.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from diffusers.loaders import WanLoraLoaderMixin
from diffusers.utils.torch_utils import randn_tensor

from rushes.errors import StageFailed
from rushes.models.adapters import set_adapters
from rushes.models.base import Checkpoint, DenoiseSettings, Progress
from rushes.models.parts import OpenedCheckpoint
from rushes.models.speeding import speed_up
from rushes.models.stepping import run_steps
from rushes.models.wan_text import fill_up

if TYPE_CHECKING:
    from rushes.models.base import Tensors


class Denoiser:
    """One denoise of an opened Wan.

    Args:
        embeds: ``prompt`` and ``negative``, see :func:`rushes.models.wan_text.encode_prompts`.
        given: see :mod:`rushes.models.wan_given` and :mod:`rushes.models.wan_vace`.
    """

    def __init__(
        self, opened: OpenedCheckpoint, embeds: Tensors, settings: DenoiseSettings, given: Tensors
    ) -> None:
        self.opened, self.settings = opened, settings
        self.given = {
            name: (value if name == "image" else value[None]).to(opened.device)
            for name, value in given.items()
        }
        self.scheduler = make_scheduler(opened.part("scheduler"), settings, opened.device)
        ratio = opened.index.get("boundary_ratio")
        steps = self.scheduler.config.num_train_timesteps
        self.boundary = None if ratio is None else ratio * steps
        self.running = ""
        self.sped = ExitStack()
        self.texts = {name: fill_up(value).to(opened.device) for name, value in embeds.items()}

    def run(self, report: Progress, checkpoint: Checkpoint) -> torch.Tensor:
        """Normalised latents (C, F, H, W) float32."""
        noise, generator = self._make_noise()
        kept = self._find_kept(noise)
        with self.sped:
            latents = run_steps(
                {"video": self.scheduler},
                {"video": noise},
                lambda now, t, step: {"video": self._predict(now["video"], t, kept)},
                generator,
                report,
                checkpoint,
            )["video"]
        if kept is not None:
            latents = (1 - kept) * self.given["first"] + kept * latents
        return latents[0, :, -self.settings.latents :].cpu().contiguous()

    def _make_noise(self) -> tuple[torch.Tensor, torch.Generator]:
        """(1, C, F, H, W) float32, from a CPU generator, so that every device starts alike.

        VACE makes a latent frame more for each reference picture, before those of the clip.
        """
        settings, grid = self.settings, self.opened.model.latents
        frames = self.given["control"].shape[2] if "control" in self.given else settings.latents
        rows, columns = settings.height // grid.video_size, settings.width // grid.video_size
        shape = (1, grid.video_channels, frames, rows, columns)
        generator = torch.Generator("cpu").manual_seed(settings.seed)
        device = torch.device(self.opened.device)
        noise = randn_tensor(shape, generator=generator, device=device, dtype=torch.float32)
        return noise, generator

    def _find_kept(self, noise: torch.Tensor) -> torch.Tensor | None:
        """(1, 1, F, H, W), 0 in the first latent frame where that is given; None elsewhere."""
        if "first" not in self.given:
            return None
        kept = torch.ones_like(noise[:, :1])
        kept[:, :, 0] = 0
        return kept

    def _predict(
        self, latents: torch.Tensor, t: torch.Tensor, kept: torch.Tensor | None
    ) -> torch.Tensor:
        """Guided velocity (1, C, F, H, W) in the transformer's dtype."""
        settings = self.settings
        low = self.boundary is not None and bool(t < self.boundary)
        transformer = self._find_expert("transformer_2" if low else "transformer")
        second = settings.guidance if settings.guidance_2 is None else settings.guidance_2
        call = self._prepare_call(transformer, latents, t, kept)
        velocity = self._ask(transformer, "prompt", call)
        if settings.guidance <= 1.0:
            return velocity
        plain = self._ask(transformer, "negative", call)
        return plain + (second if low else settings.guidance) * (velocity - plain)

    def _ask(self, transformer: Any, name: str, call: dict[str, Any]) -> torch.Tensor:
        text = self.texts[name].to(transformer.dtype)
        with transformer.cache_context(name):
            found: torch.Tensor = transformer(
                encoder_hidden_states=text, return_dict=False, **call
            )[0]
        return found

    def _find_expert(self, name: str) -> Any:
        """The transformer of this name with the adapters on it; the one before it may go."""
        if self.running and self.running != name:
            self.sped.close()
            self.opened.leave(self.running)
        transformer = self.opened.part(name)
        if self.running != name:
            set_adapters(transformer, self.settings.loras, WanLoraLoaderMixin)
            self._refuse_missing(transformer)
            self.sped.enter_context(speed_up(transformer, self.settings.speed))
        self.running = name
        return transformer

    def _refuse_missing(self, transformer: Any) -> None:
        config, channels = transformer.config, self.opened.model.latents.video_channels
        if config.in_channels != channels and "condition" not in self.given:
            raise StageFailed(
                f"the checkpoint of {self.opened.model.name} only makes clips from a picture",
                hint="give the shot an 'image', or use a text-to-video checkpoint",
            )

    def _prepare_call(
        self, transformer: Any, latents: torch.Tensor, t: torch.Tensor, kept: torch.Tensor | None
    ) -> dict[str, Any]:
        """What both passes of a step share."""
        dtype = transformer.dtype
        call: dict[str, Any] = {"timestep": t.expand(1)}
        if "condition" in self.given:
            latents = torch.cat([latents, self.given["condition"]], 1)
        if kept is not None:
            latents = (1 - kept) * self.given["first"] + kept * latents
        if self.opened.index.get("expand_timesteps"):
            mask = torch.ones_like(latents[:, :1]) if kept is None else kept
            call["timestep"] = (mask[0, 0, :, ::2, ::2] * t).flatten()[None]
        if "image" in self.given:
            call["encoder_hidden_states_image"] = self.given["image"].to(dtype)
        if "control" in self.given:
            layers = len(transformer.config.vace_layers)
            call["control_hidden_states"] = self.given["control"].to(dtype)
            call["control_hidden_states_scale"] = torch.ones(layers).to(latents.device, dtype)
        return {"hidden_states": latents.to(dtype), **call}


def make_scheduler(part: Any, settings: DenoiseSettings, device: str) -> Any:
    """A scheduler of the checkpoint's kind with its timesteps set.

    ``settings.shift`` stands in for the configuration's; fixed ``sigmas`` are taken as they are
    unless a shift is given with them.
    """
    shift = settings.shift
    if settings.sigmas and shift is None:
        shift = 1.0
    name = "flow_shift" if "flow_shift" in part.config else "shift"
    changed = {} if shift is None else {name: shift}
    scheduler = type(part).from_config(part.config, **changed)
    if settings.sigmas:
        scheduler.set_timesteps(sigmas=np.array(settings.sigmas, np.float64), device=device)
    else:
        scheduler.set_timesteps(settings.steps, device=device)
    return scheduler
