"""HunyuanVideo's denoising: what the transformer is told, and how a picture is given.

The numbers of ``HunyuanVideoPipeline`` and ``HunyuanVideoImageToVideoPipeline`` (diffusers 0.42.1)
with the same generator on the CPU, to the bit. Guidance is embedded: the distilled transformer is
told its scale; classifier-free guidance may come on top of it, at twice the cost.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from diffusers.utils.torch_utils import randn_tensor

from rushes.catalogue.grid import LatentGrid
from rushes.errors import StageFailed
from rushes.models.base import Checkpoint, DenoiseSettings, Progress
from rushes.models.hunyuan_text import pad_again
from rushes.models.speeding import speed_up
from rushes.models.stepping import run_steps

if TYPE_CHECKING:
    from rushes.models.base import Tensors

NEGATIVE, POSITIVE = 0, 1
STARTING_NOISE = 0.999
"""Share of noise in what an image-to-video denoise starts from; the rest is the picture."""
STRIDES = {"latent_concat": 2, "token_replace": 4}
"""Every how manyeth of the picture's text tokens is read; of the negative prompt every second."""


def make_scheduler(scheduler: Any, settings: DenoiseSettings, device: str) -> Any:
    """A flow-matching Euler scheduler of its own, its noise levels set."""
    own = copy.deepcopy(scheduler)
    if settings.shift is not None:
        own.set_shift(settings.shift)
    even = np.linspace(1.0, 0.0, settings.steps + 1)[:-1]
    own.set_timesteps(sigmas=list(settings.sigmas) or even, device=device)
    return own


class Denoiser:
    """The loop for one transformer, scheduler and latent grid."""

    def __init__(self, transformer: Any, scheduler: Any, grid: LatentGrid, device: str) -> None:
        self.transformer, self.scheduler, self.device = transformer, scheduler, device
        self.channels, self.size = grid.video_channels, grid.video_size
        self.way = transformer.config.image_condition_type

    @torch.inference_mode()
    def run(
        self,
        embeds: Tensors,
        settings: DenoiseSettings,
        given: Tensors | None,
        report: Progress,
        checkpoint: Checkpoint,
    ) -> torch.Tensor:
        """Latents (C, F, H, W) float32, scaled; one more than asked for before those of
        a ``latent_concat`` checkpoint, which the decoder needs and cuts.

        Args:
            given: ``picture`` (1, C, 1, H, W), for image-to-video checkpoints.
        """
        if (given is None) != (self.way is None):
            what = "needs a picture" if given is None else "cannot be given a picture"
            raise StageFailed(
                f"this checkpoint of HunyuanVideo {what}",
                hint="the text-to-video and image-to-video checkpoints are different ones",
            )
        generator = torch.Generator("cpu").manual_seed(settings.seed)
        latents = settings.latents + (self.way == "latent_concat")
        shape = (
            1, self.channels, latents, settings.height // self.size, settings.width // self.size
        )  # fmt: skip
        device = torch.device(self.device)
        video = randn_tensor(shape, generator=generator, device=device, dtype=torch.float32)
        picture = None
        if given is not None:
            picture = given["picture"].to(device, torch.float32)
            share = torch.tensor([STARTING_NOISE], device=device)
            video = video * share + picture.repeat(1, 1, latents, 1, 1) * (1 - share)
        kept = picture if self.way == "token_replace" else None
        if kept is not None:  # the picture is the first latent, and no step moves it
            video = video[:, :, 1:]
        call = self._prepare_calls(embeds, settings)

        def predict(now: Tensors, t: torch.Tensor, step: int) -> Tensors:
            seen = self._show(now["video"], picture)
            # the pipeline's latents take the transformer's dtype at its first step, and the
            # timestep takes theirs; a kept picture holds both at float32
            exact = step == 0 or kept is not None
            timestep = t.expand(1).to(torch.float32 if exact else self.transformer.dtype)
            found = []
            for number, told in enumerate(call):
                with self.transformer.cache_context(str(number)):
                    found.append(self.transformer(seen, timestep, **told, return_dict=False)[0])
            velocity = found[0]
            if len(found) == 2:
                assert settings.guidance_2 is not None
                velocity = found[1] + settings.guidance_2 * (found[0] - found[1])
            return {"video": velocity if kept is None else velocity[:, :, 1:]}

        schedulers = {"video": make_scheduler(self.scheduler, settings, self.device)}
        with speed_up(self.transformer, settings.speed):
            video = run_steps(
                schedulers, {"video": video}, predict, generator, report, checkpoint
            )["video"]  # fmt: skip
        return (video if kept is None else torch.cat([kept, video], 2))[0]

    def _show(self, video: torch.Tensor, picture: torch.Tensor | None) -> torch.Tensor:
        """What the transformer sees: the latents, with the picture in or beside them."""
        dtype = self.transformer.dtype
        if picture is None:
            return video.to(dtype)
        if self.way == "token_replace":
            return torch.cat([picture, video], 2).to(dtype)
        beside = torch.zeros_like(video)
        beside[:, :, :1] = picture
        mask = torch.zeros_like(video[:, :1])
        mask[:, :, 0] = 1
        return torch.cat([video, beside, mask], 1).to(dtype)

    def _prepare_calls(self, embeds: Tensors, settings: DenoiseSettings) -> list[dict[str, Any]]:
        """What the transformer is told with every step: the prompt, then, where classifier-free
        guidance is on, the negative prompt."""
        dtype = self.transformer.dtype
        guidance = None
        if self.transformer.config.guidance_embeds:
            guidance = torch.tensor([settings.guidance], dtype=dtype, device=self.device) * 1000.0
        rows = [POSITIVE]
        if settings.guidance_2 is not None and settings.guidance_2 > 1:
            rows.append(NEGATIVE)
        calls = []
        for row in rows:
            text, mask = self._read_prompt(embeds, row)
            calls.append(
                {
                    "encoder_hidden_states": text.to(self.device, dtype),
                    "encoder_attention_mask": mask.to(self.device, dtype),
                    "pooled_projections": embeds["pooled"][row : row + 1].to(self.device, dtype),
                    "guidance": guidance,
                }
            )
        return calls

    def _read_prompt(self, embeds: Tensors, row: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Embeddings (1, S, D) and mask (1, S) of one prompt, after those of its picture."""
        one = slice(row, row + 1)
        text = pad_again(embeds["text"][one], embeds["mask"])
        mask = embeds["mask"][one]
        if "picture" not in embeds:
            return text, mask
        stride = STRIDES[self.way] if row == POSITIVE else 2
        picture = embeds["picture"][one, ::stride]
        return torch.cat([picture, text], 1), torch.cat([mask.new_ones(picture.shape[:2]), mask], 1)
