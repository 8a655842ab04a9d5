"""LTX-2 made larger: latents upsampled twofold in each side, then refined from a low noise level.

Reference: the two-stage recipe of Lightricks' LTX-2, ``LTX2LatentUpsamplePipeline`` in diffusers.
Where the picture is larger than one pass may be, every step predicts tile by tile and blends the
velocities with linear ramps (MultiDiffusion, Bar-Tal et al. 2023); each tile is placed as a picture
of its own, since the transformer knows no positions beyond its training's. The sound is then given
as it is: tiles would disagree about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from rushes.models.base import DenoiseSettings, Given, Tiling
from rushes.models.ltx2_passes import Passer
from rushes.models.ltx2_place import Placement
from rushes.models.ltx2_tokens import pack_video
from rushes.models.tiling import Tile, lay_tiles

if TYPE_CHECKING:
    from rushes.models.base import Tensors


@torch.inference_mode()
def upsample_latents(vae: Any, upsampler: Any, video: torch.Tensor) -> torch.Tensor:
    """Normalised latents (C, F, 2H, 2W) float32 of normalised latents (C, F, H, W).

    The upsampler was trained on latents as the VAE's encoder gives them, before normalisation.
    """
    device = upsampler.device
    mean, std = (t.view(1, -1, 1, 1, 1).to(device).float() for t in (vae.latents_mean,
                                                                     vae.latents_std))  # fmt: skip
    scale = vae.config.scaling_factor
    raw = video[None].to(device) * std / scale + mean
    larger = upsampler(raw.to(upsampler.dtype)).float()
    return ((larger - mean) * scale / std)[0].cpu()


class TiledPasser:
    """Predicts as :class:`Passer` does, over tiles of the picture.

    Args:
        given: of the whole picture; its sound is given whole.
    """

    def __init__(
        self,
        transformer: Any,
        embeds: Tensors,
        settings: DenoiseSettings,
        given: Given,
        size: tuple[int, int],
        tiling: Tiling,
        device: str,
    ) -> None:
        tile, overlap = tiling.tile, tiling.overlap
        self.frames, self.size = settings.latents, size
        self.count = settings.latents * size[0] * size[1]
        self.pictures = [
            [pack_video(picture[None]).to(device) for _, picture in cut_given(given, one).pictures]
            for one in lay_tiles(*size, tile, overlap)
        ]
        self.tiles = lay_tiles(*size, tile, overlap)
        self.weights = [blend_weight(one, size, overlap).to(device) for one in self.tiles]
        scale = settings.height // size[0]
        small = replace(settings, height=tile[0] * scale, width=tile[1] * scale)
        self.passers = [
            Passer(
                transformer, embeds, small,
                Placement(transformer, small, cut_given(given, one), *tile), device, f"{number}/",
            )
            for number, one in enumerate(self.tiles)
        ]  # fmt: skip

    def predict(self, now: Tensors, t: torch.Tensor, sigmas: Mapping[str, torch.Tensor]) -> Tensors:
        """Velocities of the whole picture; 0 for what is given."""
        clip, beside = now["video"][:, : self.count], now["video"][:, self.count :]
        whole = clip.unflatten(1, (self.frames, *self.size))
        total = torch.zeros_like(whole)
        share = torch.zeros_like(whole[..., :1])
        for tile, weight, passer, pictures in zip(
            self.tiles, self.weights, self.passers, self.pictures, strict=True
        ):
            rows = slice(tile.top, tile.top + tile.height)
            columns = slice(tile.left, tile.left + tile.width)
            piece = torch.cat([whole[:, :, rows, columns].flatten(1, 3), *pictures], 1)
            made = passer.predict({**now, "video": piece}, t, sigmas)["video"]
            made = made[:, : self.frames * tile.height * tile.width]
            made = made.unflatten(1, (self.frames, tile.height, tile.width))
            total[:, :, rows, columns] += made * weight[..., None]
            share[:, :, rows, columns] += weight[..., None]
        video = torch.cat([(total / share).flatten(1, 3), torch.zeros_like(beside)], 1)
        return {"video": video, "audio": torch.zeros_like(now["audio"])}


def keep_sound(given: Given | None, settings: DenoiseSettings, sound: torch.Tensor) -> Given:
    """What is given, and the whole sound (C, L, M) with it."""
    heard = torch.ones(settings.audio_latents, dtype=torch.bool)
    if given is None:
        nothing = torch.zeros(settings.latents, dtype=torch.bool)
        return Given(torch.empty(0), nothing, sound, heard)
    return replace(given, audio=sound, keep_audio=heard)


def blend_weight(tile: Tile, size: tuple[int, int], overlap: int) -> torch.Tensor:
    """(height, width) float32: 1 inside, falling linearly towards neighbours over the overlap."""

    def ramp(start: int, length: int, whole: int) -> torch.Tensor:
        line = torch.ones(length)
        rise = torch.arange(1, overlap + 1) / (overlap + 1)
        if start > 0:
            line[:overlap] = rise
        if start + length < whole:
            line[length - overlap :] = rise.flip(0)
        return line

    rows = ramp(tile.top, tile.height, size[0])
    return rows[:, None] * ramp(tile.left, tile.width, size[1])[None]


def cut_given(given: Given, tile: Tile) -> Given:
    """What a tile sees of what is given."""
    rows = slice(tile.top, tile.top + tile.height)
    columns = slice(tile.left, tile.left + tile.width)

    def cut(video: torch.Tensor) -> torch.Tensor:
        return video[..., rows, columns] if video.numel() else video

    pictures = tuple((frame, cut(picture)) for frame, picture in given.pictures)
    return replace(given, video=cut(given.video), pictures=pictures)
