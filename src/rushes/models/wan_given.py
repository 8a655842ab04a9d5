"""What Wan's picture-to-video checkpoints are given: the first picture, and the last.

Reference: ``WanImageToVideoPipeline`` of diffusers 0.42.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from diffusers.video_processor import VideoProcessor

from rushes.errors import StageFailed
from rushes.models.base import GivenMedia
from rushes.models.parts import OpenedCheckpoint
from rushes.models.pixels import crop_picture
from rushes.models.wan_decode import statistics

if TYPE_CHECKING:
    from rushes.models.base import Tensors


@torch.inference_mode()
def encode_pictures(opened: OpenedCheckpoint, media: GivenMedia) -> Tensors:
    """What the transformer is told of the pictures.

    Returns:
        Where the first latent frame is given as it is (``expand_timesteps``, Wan 2.2 5B):
        ``first`` (C, 1, H, W) float32. Else ``condition`` (4 + C, F, H, W) float32: which frames
        of each latent are given, then the latents of a clip that is grey but for them; and with
        an image encoder (Wan 2.1) ``image``, CLIP's last state but one of each picture,
        (pictures, S, D) float32.
    """
    pictures = [
        crop_picture(media.pictures[name], media.height, media.width)
        for name in ("image", "last_image")
        if name in media.pictures
    ]
    if "image" not in media.pictures or media.clips or len(pictures) < len(media.pictures):
        raise StageFailed(
            f"{opened.model.name} goes on from a first picture and takes nothing else",
            hint="give the shot an 'image' and, where the model can, a 'last_image'",
        )
    if opened.index.get("expand_timesteps"):
        if len(pictures) > 1:
            raise StageFailed(f"{opened.model.name} cannot be given a last picture")
        return {"first": encode_clip(opened, [_prepare(opened, pictures[0], media)])}
    found = {"condition": _make_condition(opened, pictures, media)}
    if opened.has_part("image_encoder"):
        found["image"] = _describe_pictures(opened, pictures)
    return found


def encode_clip(opened: OpenedCheckpoint, pieces: list[torch.Tensor]) -> torch.Tensor:
    """Normalised latents (C, F, H, W) float32 of pixels (1, 3, n, H, W) in [-1, 1], joined."""
    vae = opened.part("vae")
    video = torch.cat(pieces, 2).to(opened.device, vae.dtype)
    latents = vae.encode(video).latent_dist.mode().to(torch.float32)
    mean, std = statistics(vae, latents)
    return ((latents - mean) * std)[0].cpu()


def _make_condition(
    opened: OpenedCheckpoint, pictures: list[Any], media: GivenMedia
) -> torch.Tensor:
    pixels = [_prepare(opened, picture, media) for picture in pictures]
    rest = media.frames - len(pixels)
    grey = torch.zeros(1, 3, rest, media.height, media.width)
    latents = encode_clip(opened, [pixels[0], grey, *pixels[1:]])
    step = opened.model.latents.video_frames
    given = torch.zeros(media.frames)
    given[0] = 1
    if len(pictures) > 1:
        given[-1] = 1
    # the first latent stands for one frame: it counts as many times as others have frames
    given = torch.cat([given[:1].expand(step), given[1:]]).view(-1, step).T
    mask = given[:, :, None, None].expand(-1, -1, *latents.shape[2:])
    return torch.cat([mask.to(latents.device), latents])


def _prepare(opened: OpenedCheckpoint, picture: Any, media: GivenMedia) -> torch.Tensor:
    """(1, 3, 1, H, W) float32 in [-1, 1]."""
    processor = VideoProcessor(vae_scale_factor=opened.model.latents.video_size)
    pixels: torch.Tensor = processor.preprocess(picture, height=media.height, width=media.width)
    return pixels.unsqueeze(2)


def _describe_pictures(opened: OpenedCheckpoint, pictures: list[Any]) -> torch.Tensor:
    processor, encoder = opened.part("image_processor"), opened.part("image_encoder")
    pixels = processor(images=pictures, return_tensors="pt").to(opened.device)
    states: torch.Tensor = encoder(**pixels, output_hidden_states=True).hidden_states[-2]
    return states.cpu()
