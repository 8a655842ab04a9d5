"""One step's passes of LTX-2's transformer over the tokens of one placement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from rushes.models.base import DenoiseSettings
from rushes.models.ltx2_guide import Passes, guide, is_guided
from rushes.models.ltx2_place import Placement
from rushes.models.ltx2_tokens import predict

if TYPE_CHECKING:
    from rushes.models.base import Tensors


class Passer:
    """Predicts guided velocities.

    Args:
        embeds: of the negative prompt (row 0) and the prompt (row 1).
        device: where the transformer computes.
        name: of what is predicted, where one step predicts several.
    """

    def __init__(
        self,
        transformer: Any,
        embeds: Tensors,
        settings: DenoiseSettings,
        place: Placement,
        device: str,
        name: str = "",
    ) -> None:
        self.name = name
        self.transformer = transformer
        self.settings = settings
        self.place = place
        rows = slice(None) if is_guided(settings) else slice(1, None)
        self._calls = {"all": self._prepare_call(embeds, rows, device)}
        if settings.stg > 0 or settings.modality_guidance > 1:
            self._calls["prompt"] = self._prepare_call(embeds, slice(1, None), device)

    def _prepare_call(self, embeds: Tensors, rows: slice, device: str) -> dict[str, Any]:
        """What calls over these rows of the batch share at every step."""
        settings, place = self.settings, self.place
        text = {name: value[rows].to(device) for name, value in embeds.items()}
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
            "video_coords": place.video_coords().expand(batch, -1, -1, -1).to(device),
            "audio_coords": place.audio_coords().expand(batch, -1, -1, -1).to(device),
        }

    def predict(self, now: Tensors, t: torch.Tensor, sigmas: Mapping[str, torch.Tensor]) -> Tensors:
        """Guided velocities of both modalities; 0 where something is given, so that it stays.

        Args:
            now: ``video`` (1, S, D) and ``audio`` (1, L, D), float32.
            t: 1000 times the noise level.
            sigmas: noise level of each modality.
        """
        first = self._run("first", "all", now, t)
        perturbed: Mapping[str, torch.Tensor | None] = {}
        isolated: Mapping[str, torch.Tensor | None] = {}
        if self.settings.stg > 0:
            blocks = list(self.settings.stg_blocks)
            perturbed = self._run(
                "perturbed", "prompt", now, t, spatio_temporal_guidance_blocks=blocks
            )
        if self.settings.modality_guidance > 1:
            isolated = self._run("isolated", "prompt", now, t, isolate_modalities=True)
        scales = {"video": self.settings.guidance, "audio": self.settings.audio_guidance}
        masks = {"video": self.place.keep_video, "audio": self.place.keep_audio}
        found: Tensors = {}
        for name, velocity in first.items():
            passes = Passes(
                velocity[-1:],
                velocity[:1] if velocity.shape[0] == 2 else None,
                perturbed.get(name),
                isolated.get(name),
            )
            guided = guide(now[name], passes, sigmas[name], scales[name], self.settings)
            keep = masks[name]
            found[name] = guided if keep is None else guided.masked_fill(keep, 0.0)
        return found

    def _run(self, kind: str, rows: str, now: Tensors, t: torch.Tensor, **more: Any) -> Tensors:
        """Velocities (batch, S, D) float32 of one call, the only one of its kind in a step."""
        call, place = self._calls[rows], self.place
        batch = call["encoder_hidden_states"].shape[0]
        dtype = call["encoder_hidden_states"].dtype
        with self.transformer.cache_context(self.name + kind):
            video, audio = predict(
                self.transformer,
                t * place.noised_video(batch),
                t * place.noised_audio(batch),
                hidden_states=now["video"].expand(batch, -1, -1).to(dtype),
                audio_hidden_states=now["audio"].expand(batch, -1, -1).to(dtype),
                sigma=(t * place.some_video).expand(batch),
                audio_sigma=(t * place.some_audio).expand(batch),
                **call,
                **more,
            )
        return {"video": video.float(), "audio": audio.float()}
