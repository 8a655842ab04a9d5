"""Sprite's text encoder and connectors, small, and the way from prompts to what they give."""

import torch
from diffusers.pipelines.ltx2 import LTX2TextConnectors
from transformers import Gemma3Config, Gemma3ForConditionalGeneration, GemmaTokenizerFast

from training.sprite import parts
from training.sprite.tokenizer import BOI, EOI, IMAGE, MAX_TOKENS


def build_text_encoder(vocabulary: int) -> Gemma3ForConditionalGeneration:
    """A Gemma 3 of two layers; its vision tower is there because the class has one, and unused."""
    config = Gemma3Config(
        text_config=dict(vocab_size=vocabulary, **parts.TEXT),
        vision_config=parts.VISION,
        mm_tokens_per_image=1,
        boi_token_index=BOI,
        eoi_token_index=EOI,
        image_token_index=IMAGE,
    )
    model = Gemma3ForConditionalGeneration(config)
    for name, p in model.named_parameters():
        if "vision" in name or "multi_modal" in name:
            p.requires_grad_(False)
    return model


def build_connectors() -> LTX2TextConnectors:
    return LTX2TextConnectors(**parts.CONNECTORS)


def tokenise(tokenizer: GemmaTokenizerFast, prompts: list[str]) -> dict[str, torch.Tensor]:
    """`input_ids` and `attention_mask`, (B, 32) int64, padded on the left."""
    return tokenizer(
        prompts, padding="max_length", max_length=MAX_TOKENS, truncation=True, return_tensors="pt"
    )


def encode_text(
    encoder: Gemma3ForConditionalGeneration,
    connectors: LTX2TextConnectors,
    ids: torch.Tensor,
    mask: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Video and audio text embeddings (B, 32, 96), their mask (B, 32), as LTX2Pipeline does."""
    states = encoder(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
    return connectors(torch.stack(states, dim=-1).flatten(2, 3), mask, padding_side="left")
