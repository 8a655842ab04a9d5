"""LTX-2's text path: tokenizer, Gemma 3 hidden states of every layer, connectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from rushes.models.base import Tensors


@torch.inference_mode()
def encode_prompts(
    tokenizer: Any, text_encoder: Any, connectors: Any, prompts: list[str]
) -> Tensors:
    """Embeddings in the small form that the transformer reads.

    What ``encode_prompt`` of the pipeline returns is every layer's hidden state, hundreds of
    megabytes a prompt on the large models; the connectors' output is what the denoiser needs.

    Args:
        prompts: n texts; they are stripped, as the pipeline does, and cut at the tokenizer's
            ``model_max_length``.

    Returns:
        ``video`` and ``audio``: (n, S, D); ``mask``: (n, S) int64, 1 where a position counts.
    """
    tokenizer.padding_side = "left"
    device = text_encoder.device
    tokens = tokenizer(
        [prompt.strip() for prompt in prompts],
        padding="max_length",
        max_length=tokenizer.model_max_length,
        truncation=True,
        add_special_tokens=True,
        return_tensors="pt",
    )
    mask = tokens.attention_mask.to(device)
    states = text_encoder(
        input_ids=tokens.input_ids.to(device), attention_mask=mask, output_hidden_states=True
    ).hidden_states
    packed = torch.stack(states, dim=-1).flatten(2, 3).to(text_encoder.dtype)  # (n, S, D * layers)
    video, audio, binary = connectors(packed, mask, padding_side="left")
    names = ("video", "audio", "mask")
    tensors = (video, audio, binary)
    return {name: t.cpu().contiguous() for name, t in zip(names, tensors, strict=True)}
