"""HunyuanVideo's text path: Llama hidden states and a pooled CLIP embedding.

The image-to-video checkpoints have a Llava in the Llama's place, which reads the picture and the
prompt together. Templates, the positions that are cut and the layer that is taken are those of
``HunyuanVideoPipeline`` and ``HunyuanVideoImageToVideoPipeline`` (diffusers 0.42.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from diffusers.pipelines.hunyuan_video import pipeline_hunyuan_video as text_to_video
from diffusers.pipelines.hunyuan_video import pipeline_hunyuan_video_image2video as image_to_video

if TYPE_CHECKING:
    from rushes.models.base import Tensors

LENGTH = 256
"""Tokens of the prompt that the denoiser reads, padding among them."""
POOLED_LENGTH = 77
LAYER = -3
"""The hidden states that are taken: two layers are left out."""
ASSISTANT = 4
"""Tokens of the header of the assistant's turn, which are cut out of the template's end."""


@torch.inference_mode()
def encode_prompts(tokenizer: Any, text_encoder: Any, prompts: list[str]) -> Tensors:
    """Llama's embeddings of n prompts, cut after the last position that counts.

    Returns:
        ``text``: (n, S, D) in the encoder's dtype; ``mask``: (n, 256) int64, 1 where a position
        counts; beyond S none does.
    """
    template: dict[str, Any] = text_to_video.DEFAULT_PROMPT_TEMPLATE
    crop = template["crop_start"]
    rows, masks = [], []
    for prompt in prompts:
        tokens = _tokenize(tokenizer, template["template"].format(prompt), LENGTH + crop)
        ids, mask = (tokens[k].to(text_encoder.device) for k in ("input_ids", "attention_mask"))
        states = text_encoder(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        rows.append(states.hidden_states[LAYER].to(text_encoder.dtype)[:, crop:])
        masks.append(mask[:, crop:])
    return cut_padding(torch.cat(rows), torch.cat(masks))


@torch.inference_mode()
def encode_pictured_prompts(
    tokenizer: Any, llava: Any, prompts: list[str], pixels: list[torch.Tensor]
) -> Tensors:
    """Llava's embeddings of n prompts, each read with a picture (1, 3, h, w) of its own.

    Returns:
        As :func:`encode_prompts`, and ``picture``: (n, 576, D), the states of the picture's
        tokens, of which the denoiser takes every second or fourth.
    """
    template: dict[str, Any] = image_to_video.DEFAULT_PROMPT_TEMPLATE
    crop, tokens_of_picture = template["crop_start"], template["image_emb_len"]
    rows, masks, pictures = [], [], []
    for prompt, picture in zip(prompts, pixels, strict=True):
        tokens = _tokenize(tokenizer, template["template"].format(prompt), LENGTH + crop)
        ids, mask = (tokens[k].to(llava.device) for k in ("input_ids", "attention_mask"))
        inputs = image_to_video._expand_input_ids_with_image_tokens(
            ids, mask, LENGTH + crop, llava.config.image_token_index, tokens_of_picture,
            template["image_emb_start"], template["image_emb_end"], llava.config.pad_token_id,
        )  # fmt: skip
        states = llava(**inputs, pixel_values=picture.to(llava.device), output_hidden_states=True)
        found = states.hidden_states[LAYER].to(llava.dtype)
        end = _find_assistant(tokenizer, ids)
        more = tokens_of_picture - 1  # the picture's one token in the prompt became so many
        rows.append(
            torch.cat([found[:, crop + more : end + more - ASSISTANT], found[:, end + more :]], 1)
        )
        masks.append(torch.cat([mask[:, crop : end - ASSISTANT], mask[:, end:]], 1))
        pictures.append(found[:, template["image_emb_start"] : template["image_emb_end"]])
    text = cut_padding(torch.cat(rows), torch.cat(masks))
    return {**text, "picture": torch.cat(pictures).cpu().contiguous()}


@torch.inference_mode()
def encode_pooled(tokenizer: Any, text_encoder: Any, prompts: list[str]) -> torch.Tensor:
    """CLIP's pooled embeddings (n, D); a prompt is cut at 77 tokens."""
    rows = []
    for prompt in prompts:
        ids = _tokenize(tokenizer, prompt, POOLED_LENGTH)["input_ids"].to(text_encoder.device)
        rows.append(text_encoder(ids, output_hidden_states=False).pooler_output)
    return torch.cat(rows).cpu().contiguous()


def cut_padding(text: torch.Tensor, mask: torch.Tensor) -> Tensors:
    """The small form of padded embeddings: what no mask lets count is left out.

    Args:
        text: (n, S, D). mask: (n, S), 1 where a position counts.
    """
    counting = mask.any(0).nonzero()
    length = int(counting[-1]) + 1 if len(counting) else 0
    return {"text": text[:, :length].cpu().contiguous(), "mask": mask.cpu().contiguous()}


def pad_again(text: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """(n, S, D), as long as the mask; zeros stand where nothing counts."""
    return torch.nn.functional.pad(text, (0, 0, 0, mask.shape[1] - text.shape[1]))


def _tokenize(tokenizer: Any, text: str, length: int) -> Any:
    """``input_ids`` and ``attention_mask`` (1, ``length``), padded or cut."""
    return tokenizer(
        [text], max_length=length, padding="max_length", truncation=True,
        return_attention_mask=True, return_tensors="pt",
    )  # fmt: skip


def _find_assistant(tokenizer: Any, ids: torch.Tensor) -> int:
    """The position after the last of the template's three headers; the end if it was cut off."""
    header = tokenizer.convert_tokens_to_ids("<|end_header_id|>")
    places = (ids[0] == header).nonzero().flatten()
    return int(places[-1]) + 1 if len(places) != 2 else ids.shape[1]
