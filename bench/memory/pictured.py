"""HunyuanVideo's Llava without weights: it asks where its tokens are, and hollow ones are nowhere.

What depends on the places of tokens is answered with the shapes that a full prompt has; all else
runs as it is.
"""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import torch
from diffusers.pipelines.hunyuan_video import pipeline_hunyuan_video_image2video as image_to_video
from transformers.models.llava.modeling_llava import LlavaModel

from rushes.models import hunyuan_text

SIDE = 336
"""Pixels of a side of the picture as CLIP ViT-L takes it."""


def encode_pictured(loaded: Any) -> Any:
    """Two prompts that fill every place, each with its picture."""
    crop = image_to_video.DEFAULT_PROMPT_TEMPLATE["crop_start"]
    picture_tokens = image_to_video.DEFAULT_PROMPT_TEMPLATE["image_emb_len"]
    length = hunyuan_text.LENGTH + crop

    def expand(ids: Any, *_: Any) -> dict[str, torch.Tensor]:
        shape = 1, length - 1 + picture_tokens
        made = torch.zeros(shape, dtype=torch.long, device=ids.device)
        return {"input_ids": made, "attention_mask": made + 1, "position_ids": made}

    def find_picture(_: Any, input_ids: Any, inputs_embeds: Any, **__: Any) -> torch.Tensor:
        return torch.zeros((*inputs_embeds.shape[:2], 1), dtype=torch.bool, device="meta")

    loaded.part("text_encoder").config.pad_token_id = 0  # of the checkpoint's own, any number
    pixels = torch.empty(1, 3, SIDE, SIDE, device="meta")
    with (
        patch.object(image_to_video, "_expand_input_ids_with_image_tokens", expand),
        patch.object(LlavaModel, "get_placeholder_mask", find_picture),
        patch.object(hunyuan_text, "_find_assistant", lambda *_: length),
    ):
        return loaded.encode_pictured_text("a", "b", {"pixels": pixels, "black_pixels": pixels})
