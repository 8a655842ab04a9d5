"""LTX-2's text path: tokenizer, Gemma 3 hidden states of every layer, connectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from rushes.models.base import Tensors


@torch.inference_mode()
def read_prompts(
    tokenizer: Any, text_encoder: Any, prompts: list[str], device: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Every layer's hidden state of the prompts, hundreds of megabytes a prompt on large models.

    Args:
        prompts: n texts; they are stripped, as the pipeline does, and cut at the tokenizer's
            ``model_max_length``.

    Returns:
        States (n, S, D * layers), and the mask (n, S) int64, 1 where a position counts.
    """
    tokenizer.padding_side = "left"
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
        input_ids=tokens.input_ids.to(device),
        attention_mask=mask,
        output_hidden_states=True,
        logits_to_keep=1,  # nobody reads them, and there is a gigabyte of them
    ).hidden_states
    return torch.stack(states, dim=-1).flatten(2, 3).to(text_encoder.dtype), mask


@torch.inference_mode()
def connect_text(connectors: Any, states: torch.Tensor, mask: torch.Tensor) -> Tensors:
    """What the transformer reads of the states: the small form.

    Returns:
        ``video`` and ``audio``: (n, S, D); ``mask``: (n, S) int64, 1 where a position counts.
    """
    video, audio, binary = connectors(states, mask, padding_side="left")
    names = ("video", "audio", "mask")
    tensors = (video, audio, binary)
    return {name: t.cpu().contiguous() for name, t in zip(names, tensors, strict=True)}
