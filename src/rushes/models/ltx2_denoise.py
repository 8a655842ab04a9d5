"""LTX-2's denoising loop over diffusers' transformer and scheduler.

An own loop, because the pipeline's callback cannot return audio latents (so it cannot be resumed)
and the modular blocks are not bit-equal to the pipeline. With the same generator this loop gives
the pipeline's bits.

Reference: LTX-2 (Lightricks, 2026), flow matching in velocity form: x_t = (1 - sigma) x_0 +
sigma * noise, v = noise - x_0.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from diffusers.utils.torch_utils import randn_tensor

from rushes.catalogue.grid import LatentGrid
from rushes.models.base import Checkpoint, DenoiseSettings, Given, Progress, Tiling
from rushes.models.ltx2_passes import Passer
from rushes.models.ltx2_place import Placement
from rushes.models.ltx2_refine import TiledPasser, keep_sound
from rushes.models.ltx2_tokens import pack_audio, pack_video
from rushes.models.speeding import speed_up
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
        start: Tensors | None = None,
        tiling: Tiling | None = None,
    ) -> Tensors:
        """Normalised latents ``video`` (C, F, H, W) and ``audio`` (C, L, M), float32.

        Args:
            start: latents of the same shapes from which a shortened schedule goes on: noise is
                mixed into them up to the first of ``settings.sigmas``.
            tiling: predict tile by tile; the sound of ``start`` is then kept.
        """
        height = settings.height // self.grid.video_size
        width = settings.width // self.grid.video_size
        generator = torch.Generator("cpu").manual_seed(settings.seed)
        passer: Passer | TiledPasser
        if tiling is not None:
            assert start is not None
            given = keep_sound(given, settings, start["audio"])
        place = Placement(self.transformer, settings, given, height, width)
        if start is None:
            draw = self._draw if given is None or given.control is None else self._draw_beside
            video, audio = draw(settings, place, generator)
        else:
            level = settings.sigmas[0]
            packed = pack_video(start["video"][None]), pack_audio(start["audio"][None])
            video, audio = (self._mix_noise(tokens, level, generator) for tokens in packed)
        video, audio = place.put_given(video, audio)
        if tiling is None:
            passer = Passer(self.transformer, embeds, settings, place, self.device)
        else:
            assert given is not None
            passer = TiledPasser(
                self.transformer, embeds, settings, given, (height, width), tiling, self.device
            )
        schedules = make_schedules(self.scheduler, settings, video.shape[1], self.device)

        def predict_both(now: Tensors, t: torch.Tensor, step: int) -> Tensors:
            sigmas = {name: schedules[name].sigmas[step] for name in now}
            return passer.predict(now, t, sigmas)

        with speed_up(self.transformer, settings.speed):
            made = run_steps(
                schedules, {"video": video, "audio": audio}, predict_both, generator, report,
                checkpoint, {"video": place.keep_video, "audio": place.keep_audio},
            )  # fmt: skip
        clip = made["video"][:, : settings.latents * height * width].transpose(1, 2)
        assert self.grid.audio is not None
        heard = made["audio"].unflatten(2, (-1, self.grid.audio.mel_bins)).transpose(1, 2)
        return {
            "video": clip.unflatten(2, (settings.latents, height, width))[0].float(),
            "audio": heard[0].float(),
        }

    def _draw(
        self, settings: DenoiseSettings, place: Placement, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Starting noise of picture and sound, packed; drawn in the shapes of the latents."""
        grid, sound = self.grid, self.grid.audio
        assert sound is not None
        video = (1, grid.video_channels, settings.latents, place.height, place.width)
        audio = (1, sound.channels, settings.audio_latents, sound.mel_bins)
        return (
            pack_video(self._noise(video, generator)),
            pack_audio(self._noise(audio, generator)),
        )

    def _draw_beside(
        self, settings: DenoiseSettings, place: Placement, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The same where a control lies beside the clip: drawn in the shapes of the tokens, and for
        those beside it too, as ``LTX2InContextPipeline`` does."""
        grid, sound = self.grid, self.grid.audio
        assert sound is not None
        clip = settings.latents * place.height * place.width
        video = self._noise((1, clip + place.beside, grid.video_channels), generator)
        audio = (1, settings.audio_latents, sound.channels * sound.mel_bins)
        return video[:, :clip], self._noise(audio, generator)

    def _mix_noise(
        self, tokens: torch.Tensor, level: float, generator: torch.Generator
    ) -> torch.Tensor:
        tokens = tokens.to(self.device)
        return level * self._noise(tuple(tokens.shape), generator) + (1 - level) * tokens

    def _noise(self, shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
        """Standard normal noise, made on the CPU so that every device starts from the same."""
        device = torch.device(self.device)
        return randn_tensor(shape, generator=generator, device=device, dtype=torch.float32)


def make_schedules(
    scheduler: Any, settings: DenoiseSettings, tokens: int, device: str
) -> dict[str, Any]:
    """Schedulers of video and audio.

    Fixed noise levels are taken as they are. Otherwise they are spaced evenly and shifted: by
    ``settings.shift`` where it is said, else by the number of video tokens, as the scheduler's
    configuration says. Steps that add noise do so only without shortcuts: a velocity that is
    extrapolated from earlier steps knows nothing of the noise that came since.
    """
    config, changes = scheduler.config, dict[str, Any]()
    if settings.sigmas or settings.shift is not None:
        changes = {
            "use_dynamic_shifting": False,
            "shift": 1.0 if settings.shift is None else settings.shift,
            "shift_terminal": None if settings.sigmas else config.get("shift_terminal"),
        }
    if settings.speed is not None and config.get("stochastic_sampling"):
        changes["stochastic_sampling"] = False
    if changes:
        scheduler = type(scheduler).from_config(config, **changes)
    low, high = config.get("base_image_seq_len", 1024), config.get("max_image_seq_len", 4096)
    slope = (config.get("max_shift", 2.05) - config.get("base_shift", 0.95)) / (high - low)
    mu = tokens * slope + (config.get("base_shift", 0.95) - slope * low)
    pair = {name: copy.deepcopy(scheduler) for name in ("video", "audio")}
    for one in pair.values():
        sigmas = list(settings.sigmas) or np.linspace(1.0, 1 / settings.steps, settings.steps)
        one.set_timesteps(sigmas=sigmas, device=device, mu=mu)
    return pair
