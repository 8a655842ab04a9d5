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
from rushes.models.stepping import run_steps

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
        call = self._prepare_call(embeds, settings, place)
        schedules = self._schedules(settings.steps, video.shape[1])

        def predict_both(now: Tensors, t: torch.Tensor, step: int) -> Tensors:
            return self._predict(now, t, step, schedules, settings, place, call)

        made = run_steps(
            schedules, {"video": video, "audio": audio}, predict_both, generator, report, checkpoint
        )
        video, audio = made["video"], made["audio"]
        clip = video[:, : settings.latents * height * width].transpose(1, 2)
        return {
            "video": clip.unflatten(2, (settings.latents, height, width))[0].float(),
            "audio": audio.unflatten(2, (-1, sound.mel_bins)).transpose(1, 2)[0].float(),
        }

    def _noise(self, shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
        """Standard normal noise, made on the CPU so that every device starts from the same."""
        device = torch.device(self.device)
        return randn_tensor(shape, generator=generator, device=device, dtype=torch.float32)

    def _schedules(self, steps: int, tokens: int) -> dict[str, Any]:
        """Schedulers of video and audio."""
        config = self.scheduler.config
        low, high = config.get("base_image_seq_len", 1024), config.get("max_image_seq_len", 4096)
        slope = (config.get("max_shift", 2.05) - config.get("base_shift", 0.95)) / (high - low)
        mu = tokens * slope + (config.get("base_shift", 0.95) - slope * low)
        pair = {name: copy.deepcopy(self.scheduler) for name in ("video", "audio")}
        for scheduler in pair.values():
            sigmas = np.linspace(1.0, 1 / steps, steps)
            scheduler.set_timesteps(sigmas=sigmas, device=self.device, mu=mu)
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

    def _predict(
        self,
        now: Tensors,
        t: torch.Tensor,
        step: int,
        schedules: dict[str, Any],
        settings: DenoiseSettings,
        place: Placement,
        call: dict[str, Any],
    ) -> Tensors:
        """Guided velocities of both modalities; 0 where something is given, so that it stays."""
        batch = call["encoder_hidden_states"].shape[0]
        dtype = call["encoder_hidden_states"].dtype
        velocities = predict(
            self.transformer,
            t * place.noised_video(batch),
            t * place.noised_audio(batch),
            hidden_states=now["video"].expand(batch, -1, -1).to(dtype),
            audio_hidden_states=now["audio"].expand(batch, -1, -1).to(dtype),
            sigma=(t * place.some_video).expand(batch),
            audio_sigma=(t * place.some_audio).expand(batch),
            **call,
        )
        scales = settings.guidance, settings.audio_guidance
        masks = place.keep_video, place.keep_audio
        found: Tensors = {}
        for name, velocity, scale, keep in zip(now, velocities, scales, masks, strict=True):
            sigma = schedules[name].sigmas[step]
            guided = guide(now[name], velocity.float(), sigma, scale)
            found[name] = guided if keep is None else guided.masked_fill(keep, 0.0)
        return found


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
