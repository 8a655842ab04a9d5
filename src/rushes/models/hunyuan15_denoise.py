"""HunyuanVideo 1.5's denoising: what the transformer is told, and the checkpoint's guider.

The numbers of ``HunyuanVideo15Pipeline`` and ``HunyuanVideo15ImageToVideoPipeline`` (diffusers
0.42.1) with the same generator on the CPU, to the bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from diffusers import ClassifierFreeGuidance
from diffusers.utils.torch_utils import randn_tensor

from rushes.catalogue.grid import LatentGrid
from rushes.errors import StageFailed
from rushes.models.base import Checkpoint, DenoiseSettings, Progress
from rushes.models.hunyuan_denoise import NEGATIVE, POSITIVE, make_scheduler
from rushes.models.hunyuan_text import pad_again
from rushes.models.speeding import speed_up
from rushes.models.stepping import run_steps

if TYPE_CHECKING:
    from rushes.models.base import Tensors

PICTURE_TOKENS = 729
"""Of SigLIP: positions that are told of the first picture."""


class Denoiser:
    """The loop for one transformer, scheduler and latent grid.

    Args:
        guider: of the checkpoint; it says at which steps, and how, there is guidance.
    """

    def __init__(
        self, transformer: Any, scheduler: Any, guider: Any, grid: LatentGrid, device: str
    ) -> None:
        self.transformer, self.scheduler, self.guider = transformer, scheduler, guider
        self.channels, self.size = grid.video_channels, grid.video_size
        self.device = torch.device(device)
        if type(guider) is not ClassifierFreeGuidance:
            raise StageFailed(
                f"this checkpoint of HunyuanVideo 1.5 is guided by {type(guider).__name__}; only "
                "ClassifierFreeGuidance is known"
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
            given: ``picture`` (1, C, 1, H, W) and ``seen`` (1, 729, D), for image-to-video
                checkpoints.
        """
        task = self.transformer.config.task_type
        if (given is None) != (task == "t2v"):
            what = "needs a picture" if given is None else "cannot be given a picture"
            raise StageFailed(
                f"this checkpoint of HunyuanVideo 1.5 {what}",
                hint="the text-to-video and image-to-video checkpoints are different ones",
            )
        generator = torch.Generator("cpu").manual_seed(settings.seed)
        shape = (
            1, self.channels, settings.latents,
            settings.height // self.size, settings.width // self.size,
        )  # fmt: skip
        dtype = self.transformer.dtype
        video = randn_tensor(shape, generator=generator, device=self.device, dtype=dtype)
        beside = self._place_picture(video, given)
        text = self._read_prompts(embeds)
        seen = self._see_picture(given)
        scheduler = make_scheduler(self.scheduler, settings, str(self.device))
        guider = self.guider.new(guidance_scale=settings.guidance)
        times = scheduler.timesteps

        def predict(now: Tensors, t: torch.Tensor, step: int) -> Tensors:
            following = None
            if given is not None and self.transformer.config.use_meanflow:
                following = torch.cat([times, times.new_zeros(1)])[step + 1].expand(1).to(dtype)
            guider.set_state(step=step, num_inference_steps=len(times), timestep=t)
            passes = guider.prepare_inputs(text)
            for number, one in enumerate(passes):
                with self.transformer.cache_context(str(number)):
                    one.noise_pred = self.transformer(
                        hidden_states=torch.cat([now["video"], beside], 1),
                        timestep=t.expand(1).to(dtype),
                        timestep_r=following,
                        image_embeds=seen,
                        return_dict=False,
                        **{name: getattr(one, name) for name in text},
                    )[0]
            return {"video": guider(passes)[0]}

        with speed_up(self.transformer, settings.speed):
            made = run_steps(
                {"video": scheduler}, {"video": video}, predict, generator, report, checkpoint
            )
        return made["video"][0]

    def _place_picture(self, video: torch.Tensor, given: Tensors | None) -> torch.Tensor:
        """(1, C + 1, F, H, W): latents of the first picture, and where there are any."""
        beside = video.new_zeros(1, self.channels + 1, *video.shape[2:])
        if given is not None:
            beside[:, :-1, :1] = given["picture"].to(self.device, video.dtype)
            beside[:, -1, 0] = 1
        return beside

    def _see_picture(self, given: Tensors | None) -> torch.Tensor:
        """(1, 729, D): zeros, by which the transformer knows that there is no picture."""
        dtype = self.transformer.dtype
        if given is not None:
            return given["seen"].to(self.device, dtype)
        width = self.transformer.config.image_embed_dim
        return torch.zeros(1, PICTURE_TOKENS, width, device=self.device, dtype=dtype)

    def _read_prompts(self, embeds: Tensors) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        """By the transformer's names, of the prompt and of the negative prompt."""
        padded = {
            "encoder_hidden_states": pad_again(embeds["text"], embeds["mask"]),
            "encoder_attention_mask": embeds["mask"],
            "encoder_hidden_states_2": pad_again(embeds["glyphs"], embeds["glyph_mask"]),
            "encoder_attention_mask_2": embeds["glyph_mask"],
        }
        found = {n: value.to(self.device, self.transformer.dtype) for n, value in padded.items()}
        return {
            name: (value[POSITIVE : POSITIVE + 1], value[NEGATIVE : NEGATIVE + 1])
            for name, value in found.items()
        }
