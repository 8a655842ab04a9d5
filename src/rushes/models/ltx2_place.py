"""Where a piece's tokens lie in time and space, and which of them are given.

Given tokens have noise level 0 from the first step to the last and are not moved. Pictures at
single moments are tokens of their own after the clip's, as in Lightricks' keyframe conditioning;
a control's tokens come last, as in its IC-LoRA conditioning.
"""

from __future__ import annotations

from typing import Any

import torch

from rushes.models.base import DenoiseSettings, Given
from rushes.models.ltx2_tokens import (
    control_coords,
    keyframe_coords,
    pack_audio,
    pack_video,
)


class Placement:
    """Tokens of one denoise.

    Args:
        height, width: of the latents.

    Attributes:
        beside: how many tokens follow the clip's.
    """

    def __init__(
        self,
        transformer: Any,
        settings: DenoiseSettings,
        given: Given | None,
        height: int,
        width: int,
    ) -> None:
        self.transformer, self.settings, self.given = transformer, settings, given
        self.height, self.width = height, width
        self.beside = 0
        self.keep_video = self.keep_audio = None
        if given is not None:
            area = height * width
            clip = given.keep_video.repeat_interleave(area)
            self.beside = area * len(given.pictures)
            if given.control is not None:
                self.beside += given.control[0].numel()
            extra = torch.ones(self.beside, dtype=torch.bool)
            self.keep_video = _column(torch.cat([clip, extra]), transformer.device)
            self.keep_audio = _column(given.keep_audio, transformer.device)

    @property
    def some_video(self) -> float:
        """0 where the picture is given whole, else 1."""
        return 1.0 if self.given is None or not self.given.keep_video.all() else 0.0

    @property
    def some_audio(self) -> float:
        """0 where the sound is given whole, else 1."""
        return 1.0 if self.given is None or not self.given.keep_audio.all() else 0.0

    def noised_video(self, batch: int) -> torch.Tensor:
        """(batch,) or (batch, tokens): 1 where a token is noised, 0 where it is given."""
        return _noised(self.keep_video, batch, self.transformer.device)

    def noised_audio(self, batch: int) -> torch.Tensor:
        """As :meth:`noised_video`."""
        return _noised(self.keep_audio, batch, self.transformer.device)

    def put_given(
        self, video: torch.Tensor, audio: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Starting noise with the given tokens in their places, and those of the pictures after.

        Args:
            video: (1, F*H*W, C). audio: (1, L, C*M).
        """
        if self.given is None:
            return video, audio
        given = self.given
        if given.keep_video.any():
            video = torch.where(self._clip_mask(), pack_video(given.video[None]).to(video), video)
        if given.keep_audio.any():
            audio = torch.where(self.keep_audio, pack_audio(given.audio[None]).to(audio), audio)
        beside = [picture for _, picture in given.pictures]
        beside += [given.control] if given.control is not None else []
        extra = [pack_video(latents[None]).to(video) for latents in beside]
        return torch.cat([video, *extra], 1), audio

    def _clip_mask(self) -> torch.Tensor:
        assert self.keep_video is not None
        return self.keep_video[:, : self.settings.latents * self.height * self.width]

    def video_coords(self) -> torch.Tensor:
        """(1, 3, tokens, 2): seconds, then pixels down and across, of the clip and of what lies
        beside it."""
        settings, rope = self.settings, self.transformer.rope
        frames = settings.first + settings.latents
        clip = rope.prepare_video_coords(
            1, frames, self.height, self.width, torch.device("cpu"), fps=settings.fps
        )[:, :, settings.first * self.height * self.width :]
        pictures = () if self.given is None else self.given.pictures
        extra = [
            keyframe_coords(rope, frame, self.height, self.width, settings.fps)
            for frame, _ in pictures
        ]
        if self.given is not None and (control := self.given.control) is not None:
            scale = self.height // control.shape[2]
            extra.append(control_coords(rope, control.shape[1:], scale, settings.fps))
        return torch.cat([clip, *extra], 2)

    def audio_coords(self) -> torch.Tensor:
        """(1, 1, L, 2): seconds."""
        rope, settings = self.transformer.audio_rope, self.settings
        coords: torch.Tensor = rope.prepare_audio_coords(
            1, settings.audio_latents, torch.device("cpu")
        )
        if settings.audio_offset:
            seconds = rope.scale_factors[0] * rope.hop_length / rope.sampling_rate
            coords = coords + settings.audio_offset * seconds
        return coords


def _column(mask: torch.Tensor, device: torch.device) -> torch.Tensor:
    return mask[None, :, None].to(device)


def _noised(keep: torch.Tensor | None, batch: int, device: torch.device) -> torch.Tensor:
    if keep is None or not keep.any():
        return torch.ones(batch, device=device)
    return (~keep[..., 0]).float().expand(batch, -1)
