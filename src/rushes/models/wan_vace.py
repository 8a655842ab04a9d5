"""What Wan VACE is given: footage, a mask of what is made again, references, single pictures.

Everything becomes one control: a clip with a mask. Pictures, and the end of another clip, are
frames of it that are kept, with grey that is to be made between them; of footage a span can be made
again, and a control video is made again whole.

Reference: ``WanVACEPipeline`` of diffusers 0.42.1, and VACE, 2025 (arXiv 2503.07598).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from diffusers.video_processor import VideoProcessor

from rushes.errors import StageFailed
from rushes.models.base import GivenMedia
from rushes.models.parts import OpenedCheckpoint
from rushes.models.pixels import crop_picture
from rushes.models.wan_given import encode_clip

if TYPE_CHECKING:
    from rushes.models.base import Frame, Tensors

GREY = 128
"""Of frames that are to be made, as in VACE's own preprocessors."""


@torch.inference_mode()
def encode_control(opened: OpenedCheckpoint, media: GivenMedia) -> Tensors:
    """``control`` (2 C + 64, R + F, H, W) float32: for each of R references, then of the clip's F
    latent frames, what is kept, what is made again, and the mask's pixels as channels."""
    if "video" in media.clips and "control" in media.clips:
        raise StageFailed("'video' and 'control' fill the same frames", hint="keep one of them")
    video, mask = _lay_out(opened, media)
    again = torch.where(mask > 0.5, 1.0, 0.0)
    latents = torch.cat(
        [encode_clip(opened, [video * (1 - again)]), encode_clip(opened, [video * again])]
    )
    masks = _fold_mask(mask, opened.model.latents.video_size, opened.model.latents.video_frames)
    names = sorted(
        (name for name in media.pictures if name.startswith("reference.")),
        key=lambda name: int(name.partition(".")[2]),
    )
    for name in names:  # each goes before the others, as in the pipeline
        picture = encode_clip(opened, [_fit_reference(media.pictures[name], media)])
        latents = torch.cat([torch.cat([picture, torch.zeros_like(picture)]), latents], 1)
    masks = torch.cat([torch.zeros_like(masks[:, : len(names)]), masks], 1)
    return {"control": torch.cat([latents, masks.to(latents.device)])}


def _lay_out(opened: OpenedCheckpoint, media: GivenMedia) -> tuple[torch.Tensor, torch.Tensor]:
    """Pixels (1, 3, F, H, W) in [-1, 1] and the mask (1, 3, F, H, W) in [0, 1], float32."""
    shape = (1, 3, media.frames, media.height, media.width)
    footage = media.clips.get("video", media.clips.get("control"))
    kept = dict(_find_kept(media))
    mask = torch.ones(shape)
    if footage is not None:
        video = _prepare(opened, footage, media)
    elif kept:
        grey = np.full((media.height, media.width, 3), GREY, np.uint8)
        video = _prepare(opened, [grey], media).expand(shape).clone()
    else:
        video = torch.zeros(shape)
    if "mask" in media.clips:
        mask = ((_prepare(opened, media.clips["mask"], media) + 1) / 2).clamp(0, 1)
    if media.again != (0, 0):
        start, end = media.again
        mask = mask.clone()
        mask[:, :, :start] = mask[:, :, end:] = 0
    for number, picture in kept.items():
        video[:, :, number] = _prepare(opened, [picture], media)[:, :, 0]
        mask[:, :, number] = 0
    return video, mask


def _find_kept(media: GivenMedia) -> Iterator[tuple[int, Frame]]:
    """Frames that are kept, and where."""
    yield from enumerate(media.clips.get("extend", ()))
    for name, picture in media.pictures.items():
        if name == "image":
            yield 0, picture
        elif name == "last_image":
            yield media.frames - 1, picture
        elif name.startswith("keyframe."):
            yield int(name.partition(".")[2]), picture


def _prepare(opened: OpenedCheckpoint, frames: Sequence[Frame], media: GivenMedia) -> torch.Tensor:
    """(1, 3, F, H, W) float32 in [-1, 1]."""
    processor = VideoProcessor(vae_scale_factor=opened.model.latents.video_size)
    pictures: list[Any] = [crop_picture(frame, media.height, media.width) for frame in frames]
    found: torch.Tensor = processor.preprocess_video(pictures, media.height, media.width)
    return found


def _fit_reference(frame: Frame, media: GivenMedia) -> torch.Tensor:
    """(1, 3, 1, H, W) in [-1, 1]: the whole picture in the middle of white."""
    from PIL import Image

    processor = VideoProcessor(vae_scale_factor=8)
    image = processor.preprocess(Image.fromarray(np.ascontiguousarray(frame)), None, None)
    scale = min(media.height / image.shape[2], media.width / image.shape[3])
    size = int(image.shape[2] * scale), int(image.shape[3] * scale)
    small = torch.nn.functional.interpolate(image, size, mode="bilinear", align_corners=False)
    top, left = (media.height - size[0]) // 2, (media.width - size[1]) // 2
    canvas = torch.ones(1, 3, 1, media.height, media.width)
    canvas[:, :, 0, top : top + size[0], left : left + size[1]] = small
    return canvas


def _fold_mask(mask: torch.Tensor, size: int, step: int) -> torch.Tensor:
    """(1, 3, F, H, W) → (size * size, latent frames, H / size, W / size) float32."""
    frames, height, width = mask.shape[2:]
    folded = mask[0, 0].view(frames, height // size, size, width // size, size)
    folded = folded.permute(2, 4, 0, 1, 3).flatten(0, 1)
    target = ((frames + step - 1) // step, height // size, width // size)
    return torch.nn.functional.interpolate(folded[None], target, mode="nearest-exact")[0]
