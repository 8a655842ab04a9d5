"""Wan's text path: cleaning, tokenizer, UMT5.

Reference: ``WanPipeline.encode_prompt`` of diffusers 0.42.1. The transformer attends to all 512
positions, zeros after the text among them; zeros need not be stored, so embeddings are kept as
long as their text and filled up again before they are used.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

import ftfy
import torch

if TYPE_CHECKING:
    from rushes.models.base import Tensors

POSITIONS = 512
"""Tokens that the transformer sees; a longer prompt is cut."""


@torch.inference_mode()
def encode_prompts(
    tokenizer: Any, text_encoder: Any, prompts: dict[str, str], device: str
) -> Tensors:
    """Embeddings by the prompts' names, each (S, D) in the encoder's dtype, S up to 512."""
    found: Tensors = {}
    for name, prompt in prompts.items():
        tokens = tokenizer(
            [clean_prompt(prompt)],
            padding="max_length",
            max_length=POSITIONS,
            truncation=True,
            add_special_tokens=True,
            return_attention_mask=True,
            return_tensors="pt",
        )
        mask = tokens.attention_mask
        states = text_encoder(tokens.input_ids.to(device), mask.to(device)).last_hidden_state
        length = int(mask.gt(0).sum())
        found[name] = states[0, :length].to(text_encoder.dtype).cpu().contiguous()
    return found


def clean_prompt(prompt: str) -> str:
    """Broken encodings and HTML entities mended, white space made one space."""
    text = html.unescape(html.unescape(ftfy.fix_text(prompt))).strip()
    return re.sub(r"\s+", " ", text).strip()


def fill_up(embeds: torch.Tensor) -> torch.Tensor:
    """(S, D) → (1, 512, D), zeros after the text."""
    return torch.nn.functional.pad(embeds, (0, 0, 0, POSITIONS - embeds.shape[0]))[None]
