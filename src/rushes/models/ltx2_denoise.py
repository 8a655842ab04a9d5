"""LTX-2's denoising loop over diffusers' transformer and scheduler.

An own loop, because the pipeline's callback cannot return audio latents (so it cannot be resumed)
and the modular blocks are not bit-equal to the pipeline. With the same generator this loop gives
the pipeline's bits.

Reference: LTX-2 (Lightricks, 2026), flow matching in velocity form: x_t = (1 - sigma) x_0 +
sigma * noise, v = noise - x_0. Guidance: Ho and Salimans 2022, applied to the x_0 estimates.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from diffusers.utils.torch_utils import randn_tensor

from rushes.catalogue.grid import LatentGrid
from rushes.models.base import Checkpoint, DenoiseSettings, Given, Progress
from rushes.models.ltx2_place import Placement
from rushes.models.ltx2_tokens import pack_audio, pack_video, predict

if TYPE_CHECKING:
    from rushes.models.base import Tensors


class Denoiser:
    """The loop for one transformer, scheduler and latent grid."""

    def __init__(self, transformer: Any, scheduler: Any, grid: LatentGrid, device: str) -> None:
        self.transformer = transformer
        self.scheduler = scheduler
        self.grid = grid
        self.device = device

    @torch.inference_mode()
    def run(
        self,
        embeds: Tensors,
        settings: DenoiseSettings,
        given: Given | None,
        report: Progress,
        checkpoint: Checkpoint,
    ) -> Tensors:
        """Normalised latents ``video`` (C, F, H, W) and ``audio`` (C, L, M), float32."""
        sound = self.grid.audio
        assert sound is not None
        height = settings.height // self.grid.video_size
        width = settings.width // self.grid.video_size
        generator = torch.Generator("cpu").manual_seed(settings.seed)
        video = pack_video(
            self._noise((1, self.grid.video_channels, settings.latents, height, width), generator)
        )
        audio = pack_audio(
            self._noise(
                (1, sound.channels, settings.audio_latents, sound.mel_bins),
                generator,
            )
        )
        place = Placement(self.transformer, settings, given, height, width)
        video, audio = place.put_given(video, audio)
        first = 0
        if (state := checkpoint.load()) is not None:
            video, audio = state["video"].to(self.device), state["audio"].to(self.device)
            generator.set_state(state["generator"])
            first = int(state["step"])
        call = self._prepare_call(embeds, settings, place)
        schedules = self._schedules(settings.steps, video.shape[1], first)
        for step in range(first, settings.steps):
            video, audio = self._step(step, video, audio, schedules, settings, place, call)
            report(step + 1, settings.steps)
            here = {"video": video, "audio": audio, "step": torch.tensor(step + 1)}
            checkpoint.offer(lambda here=here: {**here, "generator": generator.get_state()})
        clip = video[:, : settings.latents * height * width].transpose(1, 2)
        return {
            "video": clip.unflatten(2, (settings.latents, height, width))[0].float(),
            "audio": audio.unflatten(2, (-1, sound.mel_bins)).transpose(1, 2)[0].float(),
        }

    def _noise(self, shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
        """Standard normal noise, made on the CPU so that every device starts from the same."""
        device = torch.device(self.device)
        return randn_tensor(shape, generator=generator, device=device, dtype=torch.float32)

    def _schedules(self, steps: int, tokens: int, first: int) -> tuple[Any, Any]:
        """Schedulers of video and audio, set to go on at step ``first``."""
        config = self.scheduler.config
        low, high = config.get("base_image_seq_len", 1024), config.get("max_image_seq_len", 4096)
        slope = (config.get("max_shift", 2.05) - config.get("base_shift", 0.95)) / (high - low)
        mu = tokens * slope + (config.get("base_shift", 0.95) - slope * low)
        pair = copy.deepcopy(self.scheduler), copy.deepcopy(self.scheduler)
        for scheduler in pair:
            sigmas = np.linspace(1.0, 1 / steps, steps)
            scheduler.set_timesteps(sigmas=sigmas, device=self.device, mu=mu)
            scheduler.set_begin_index(first)
        return pair

    def _prepare_call(
        self, embeds: Tensors, settings: DenoiseSettings, place: Placement
    ) -> dict[str, Any]:
        """What every call of the transformer shares. Batch row 0 is the negative prompt."""
        guided = settings.guidance > 1 or settings.audio_guidance > 1
        rows = slice(None) if guided else slice(1, None)
        text = {name: value[rows].to(self.device) for name, value in embeds.items()}
        batch = text["video"].shape[0]
        return {
            "encoder_hidden_states": text["video"],
            "audio_encoder_hidden_states": text["audio"].to(text["video"].dtype),
            "encoder_attention_mask": text["mask"],
            "audio_encoder_attention_mask": text["mask"],
            "num_frames": settings.latents,
            "height": place.height,
            "width": place.width,
            "fps": settings.fps,
            "audio_num_frames": settings.audio_latents,
            "video_coords": place.video_coords().expand(batch, -1, -1, -1).to(self.device),
            "audio_coords": place.audio_coords().expand(batch, -1, -1, -1).to(self.device),
        }

    def _step(
        self,
        step: int,
        video: torch.Tensor,
        audio: torch.Tensor,
        schedules: tuple[Any, Any],
        settings: DenoiseSettings,
        place: Placement,
        call: dict[str, Any],
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """One Euler step of both modalities; what is given stays as it is."""
        batch = call["encoder_hidden_states"].shape[0]
        dtype = call["encoder_hidden_states"].dtype
        t = schedules[0].timesteps[step]
        velocities = predict(
            self.transformer,
            t * place.noised_video(batch),
            t * place.noised_audio(batch),
            hidden_states=video.expand(batch, -1, -1).to(dtype),
            audio_hidden_states=audio.expand(batch, -1, -1).to(dtype),
            sigma=(t * place.some_video).expand(batch),
            audio_sigma=(t * place.some_audio).expand(batch),
            **call,
        )
        scales = settings.guidance, settings.audio_guidance
        masks = place.keep_video, place.keep_audio
        moved = []
        for latents, velocity, scheduler, scale, keep in zip(
            (video, audio), velocities, schedules, scales, masks, strict=True
        ):
            sigma = scheduler.sigmas[step]
            guided = guide(latents, velocity.float(), sigma, scale)
            if keep is not None:
                guided = guided.masked_fill(keep, 0.0)
            moved.append(scheduler.step(guided, t, latents, return_dict=False)[0])
        return moved[0], moved[1]


def guide(
    latents: torch.Tensor, velocity: torch.Tensor, sigma: torch.Tensor, scale: float
) -> torch.Tensor:
    """Classifier-free guidance on the x_0 estimates, given back as a velocity.

    Args:
        latents: (1, S, D) float32, noisy.
        velocity: (2, S, D) negative prompt then prompt, or (1, S, D) without guidance.
        sigma: scalar noise level in (0, 1].
    """
    clean = latents - velocity[-1:] * sigma
    if velocity.shape[0] == 2:
        clean = clean + (scale - 1) * (clean - (latents - velocity[:1] * sigma))
    return (latents - clean) / sigma
