"""CogVideoX's denoising: guidance that changes on the way, and where the tokens lie.

The numbers of ``CogVideoXPipeline`` and ``CogVideoXImageToVideoPipeline`` (diffusers 0.42.1) with
the same generator on the CPU, to the bit.
"""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import torch
from diffusers import CogVideoXDPMScheduler
from diffusers.models.embeddings import get_3d_rotary_pos_embed
from diffusers.pipelines.cogvideo import pipeline_cogvideox
from diffusers.utils.torch_utils import randn_tensor

from rushes.catalogue.grid import LatentGrid
from rushes.errors import StageFailed
from rushes.models.base import Checkpoint, DenoiseSettings, Progress
from rushes.models.speeding import speed_up
from rushes.models.stepping import run_steps

if TYPE_CHECKING:
    from rushes.models.base import Tensors


class Denoiser:
    """The loop for one transformer, scheduler and latent grid."""

    def __init__(self, transformer: Any, scheduler: Any, grid: LatentGrid, device: str) -> None:
        self.transformer, self.scheduler, self.device = transformer, scheduler, device
        self.channels, self.size = grid.video_channels, grid.video_size
        if transformer.config.patch_size_t is not None:
            raise StageFailed(
                "this is a checkpoint of CogVideoX 1.5, which is not known",
                hint="use one of CogVideoX 1.0: CogVideoX-5b, CogVideoX-5b-I2V or CogVideoX-2b",
            )

    @torch.inference_mode()
    def run(
        self,
        embeds: Tensors,
        settings: DenoiseSettings,
        given: Tensors | None,
        report: Progress,
        checkpoint: Checkpoint,
    ) -> torch.Tensor:
        """Scaled latents (C, F, H, W) in the transformer's dtype.

        Args:
            given: ``mean`` and ``std`` (1, C, 1, H, W) of the first picture's latents, scaled; the
                latents are drawn from them with the clip's own seed, as the pipeline does.
        """
        self._refuse(settings, given)
        device, dtype = torch.device(self.device), embeds["text"].dtype
        generator = torch.Generator("cpu").manual_seed(settings.seed)
        height, width = settings.height // self.size, settings.width // self.size
        shape = (1, settings.latents, self.channels, height, width)
        beside = None
        if given is not None:
            beside = torch.zeros(shape, device=device, dtype=dtype)
            beside[:, :1] = self._draw_picture(given, generator)
        video = randn_tensor(shape, generator=generator, device=device, dtype=dtype)
        video = video * self.scheduler.init_noise_sigma
        guided = settings.guidance > 1
        text = embeds["text"][slice(None) if guided else slice(1, None)].to(device)
        batch = text.shape[0]
        places = self._rotate(height, width, settings.latents)

        def predict(now: Tensors, t: torch.Tensor, step: int) -> Tensors:
            seen = now["video"] if beside is None else torch.cat([now["video"], beside], 2)
            with self.transformer.cache_context("all"):
                found = self.transformer(
                    hidden_states=seen.expand(batch, -1, -1, -1, -1),
                    encoder_hidden_states=text,
                    timestep=t.expand(batch),
                    image_rotary_emb=places,
                    return_dict=False,
                )[0].float()
            if guided:
                scale = self._guidance(settings, t.item())
                found = found[:1] + scale * (found[1:] - found[:1])
            return {"video": found}

        own = copy.deepcopy(self.scheduler)
        own.set_timesteps(settings.steps, device=device)
        with speed_up(self.transformer, settings.speed):
            made = run_steps(
                {"video": own}, {"video": video}, predict, generator, report, checkpoint
            )
        return made["video"][0].transpose(0, 1)

    def _refuse(self, settings: DenoiseSettings, given: Tensors | None) -> None:
        if settings.shift is not None or settings.sigmas:
            raise StageFailed("CogVideoX has its own noise levels", hint="leave out 'shift'")
        if (given is None) != (self.transformer.config.in_channels == self.channels):
            what = "needs a picture" if given is None else "cannot be given a picture"
            raise StageFailed(
                f"this checkpoint of CogVideoX {what}",
                hint="the text-to-video and image-to-video checkpoints are different ones",
            )

    def _draw_picture(self, given: Tensors, generator: torch.Generator) -> torch.Tensor:
        """Latents (1, 1, C, H, W) of the first picture."""
        mean, std = (given[name].to(self.device) for name in ("mean", "std"))
        noise = randn_tensor(
            mean.shape, generator=generator, device=mean.device, dtype=mean.dtype
        )  # fmt: skip
        scale = given["scale"].item()
        return ((mean + std * noise) * scale).transpose(1, 2)

    def _guidance(self, settings: DenoiseSettings, t: float) -> float:
        """The scale at a timestep. With the DPM scheduler it changes, as the authors' own samples
        have it (``use_dynamic_cfg``): a cosine of how far ``t`` is from the number of steps."""
        if not isinstance(self.scheduler, CogVideoXDPMScheduler):
            return settings.guidance
        share = ((settings.steps - t) / settings.steps) ** 5.0
        return 1 + settings.guidance * ((1 - math.cos(math.pi * share)) / 2)

    def _rotate(self, height: int, width: int, frames: int) -> Any:
        """Cosines and sines of the tokens' places, (tokens, D) each; None for the 2B model, which
        has learned positions instead. Sizes are of the latents."""
        config = self.transformer.config
        if not config.use_rotary_positional_embeddings:
            return None
        patch = config.patch_size
        grid = height // patch, width // patch
        crop = pipeline_cogvideox.get_resize_crop_region_for_grid(
            grid, config.sample_width // patch, config.sample_height // patch
        )
        return get_3d_rotary_pos_embed(
            embed_dim=config.attention_head_dim,
            crops_coords=crop,
            grid_size=grid,
            temporal_size=frames,
            device=torch.device(self.device),
        )
