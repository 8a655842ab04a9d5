"""What a denoise is given while it is traced: tensors of the shapes that encode_given makes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from rushes.catalogue.model import Model
from rushes.models.base import DenoiseSettings, GivenMedia

CLIP_STATES = 257, 1280
"""Tokens and width of Wan 2.1's picture encoder, CLIP ViT-H at 224 pixels."""
SIGLIP_STATES = 729, 1152
"""The same of HunyuanVideo 1.5's, SigLIP at 384 pixels."""


def make_given(model: Model, settings: DenoiseSettings, device: str = "meta") -> Any:
    """What is given to a checkpoint that has to be given something; None to others."""
    channels, step = model.latents.video_channels, model.latents.video_size
    height, width = settings.height // step, settings.width // step
    form = getattr(torch, model.dtype)

    def make(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        return torch.zeros(shape, dtype=dtype, device=device)

    if model.family == "wan-vace":
        mask = step * step
        return {"control": make(2 * channels + mask, settings.latents, height, width)}
    if not model.choice:
        return None
    picture = 1, channels, 1, height, width
    if model.family == "wan":
        pictures = 1 + ("last_image" in used_controls(model))
        found = {"condition": make(4 + channels, settings.latents, height, width)}
        if any(part.folder == "image_encoder" for part in model.parts):
            found["image"] = make(pictures, *CLIP_STATES)
        return found
    if model.family == "hunyuan15":
        return {"picture": make(*picture, dtype=form), "seen": make(1, *SIGLIP_STATES, dtype=form)}
    if model.family == "cogvideox":
        scale = torch.tensor(1.0, dtype=torch.float64)
        return {"mean": make(*picture, dtype=form), "std": make(*picture, dtype=form),
                "scale": scale}  # fmt: skip
    return {"picture": make(*picture)}


def make_pictured_embeds(model: Model) -> dict[str, torch.Tensor]:
    """What HunyuanVideo's Llava makes of two prompts and their pictures."""
    form = getattr(torch, model.dtype)
    return {
        "text": torch.empty(2, 256, 4096, dtype=form, device="meta"),
        "mask": torch.ones(2, 256, dtype=torch.long, device="meta"),
        "pooled": torch.empty(2, 768, dtype=form, device="meta"),
        "picture": torch.empty(2, 576, 4096, dtype=form, device="meta"),
    }


def used_controls(model: Model) -> list[str]:
    """What the checkpoint that was chosen is for."""
    return [*model.variants[model.choice].controls] if model.choice else []


def make_media(model: Model, height: int, width: int, latents: int) -> GivenMedia:
    """What a clip of this shape, in latents, is given at most: a picture, its last one too where
    the checkpoint is for that, a control where it reads one so."""
    step, stride = model.latents.video_size, model.latents.video_frames
    picture = np.zeros((height * step, width * step, 3), np.uint8)
    frames = (latents - 1) * stride + 1
    if model.family == "wan-vace":
        clips = {"control": [picture] * frames}
        return GivenMedia(frames, height * step, width * step, {}, clips, "depth")
    pictures = {"image": picture}
    if "last_image" in used_controls(model):
        pictures["last_image"] = picture
    return GivenMedia(frames, height * step, width * step, pictures, {})
