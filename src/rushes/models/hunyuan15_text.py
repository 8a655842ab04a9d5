"""HunyuanVideo 1.5's text path: Qwen2.5-VL hidden states, and byT5's of what stands in quotes.

The template and the positions that are cut are those of ``HunyuanVideo15Pipeline`` (diffusers
0.42.1), whose own two functions do the work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from diffusers import HunyuanVideo15Pipeline

from rushes.models.hunyuan_text import cut_padding

if TYPE_CHECKING:
    from rushes.models.base import Tensors


@torch.inference_mode()
def encode_prompts(
    tokenizer: Any, text_encoder: Any, byte_tokenizer: Any, byte_encoder: Any, prompts: list[str]
) -> Tensors:
    """Embeddings of n prompts.

    Returns:
        ``text`` and ``glyphs``: (n, S, D) and (n, T, E) in the encoders' dtypes, cut after the last
        position that counts; ``mask`` and ``glyph_mask``: (n, 1000) and (n, 256) int64. T is 0
        where no prompt has a quotation.
    """
    text, glyphs = [], []
    for prompt in prompts:
        text.append(
            HunyuanVideo15Pipeline._get_mllm_prompt_embeds(
                text_encoder, tokenizer, prompt, text_encoder.device
            )
        )
        glyphs.append(
            HunyuanVideo15Pipeline._get_byt5_prompt_embeds(
                byte_tokenizer, byte_encoder, prompt, byte_encoder.device
            )
        )
    read = cut_padding(*(torch.cat(part) for part in zip(*text, strict=True)))
    drawn = cut_padding(*(torch.cat(part) for part in zip(*glyphs, strict=True)))
    return {**read, "glyphs": drawn["text"], "glyph_mask": drawn["mask"]}
