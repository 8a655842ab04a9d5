"""Tiny random checkpoints of the true classes in the hub's layout, one a family."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from tests.readers.checkpoints import write_checkpoint
from tests.readers.contract.tokens import make_tokenizer

QWEN = {
    "video_token": "<|video_pad|>", "image_token": "<|image_pad|>",
    "vision_start_token": "<|vision_start|>", "vision_end_token": "<|vision_end|>",
}  # fmt: skip
QWEN_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% for c in m.content %}"
    "{% if c.type == 'video' %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% else %}{{ c.text }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "<|im_start|>assistant\n{% if enable_thinking is defined and enable_thinking is false %}"
    "<think>\n\n</think>\n\n{% endif %}"
)
MARKED_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% for c in m.content %}"
    "{% if c.type == 'video' %}<video>\n{% else %}{{ c.text }}{% endif %}{% endfor %}"
    "<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)
PIXTRAL_TEMPLATE = "{% for m in messages %}[INST]{{ m.content }}[/INST]{% endfor %}"
TURNS = ["<|im_start|>", "<|im_end|>"]
HALF = [0.5, 0.5, 0.5]


@dataclass(frozen=True)
class Tiny:
    """How to write one, and where its settings lie."""

    write: Callable[[Path], Path]
    normal: tuple[list[float], list[float]]
    """Mean and deviation that its processor's file names."""


def save(
    folder: Path, kind: str, config: dict[str, Any], tokenizer: Any, processor: dict[str, Any]
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    cls = getattr(transformers, kind)
    torch.manual_seed(5)
    model = cls(cls.config_class(**config))
    for name, parameter in model.named_parameters():
        if "norm" not in name and parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.15)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return folder


def text_config(vocabulary: int, **more: Any) -> dict[str, Any]:
    return {
        "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "intermediate_size": 96, "vocab_size": vocabulary,
        "max_position_embeddings": 4096, "tie_word_embeddings": False, **more,
    }  # fmt: skip


def write_qwen35(folder: Path) -> Path:
    tokenizer = make_tokenizer(QWEN, TURNS, QWEN_TEMPLATE)
    find = tokenizer.convert_tokens_to_ids
    rope = {
        "rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1],
        "partial_rotary_factor": 0.25, "mrope_interleaved": True,
    }  # fmt: skip
    config = {
        "text_config": text_config(
            len(tokenizer), head_dim=32, rope_parameters=rope, linear_num_key_heads=2,
            linear_num_value_heads=4, linear_key_head_dim=16, linear_value_head_dim=16,
        ) | {"num_hidden_layers": 4},
        "vision_config": {
            "depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2,
            "out_hidden_size": 64, "patch_size": 8, "num_position_embeddings": 64,
        },
        "video_token_id": find(QWEN["video_token"]),
        "image_token_id": find(QWEN["image_token"]),
        "vision_start_token_id": find(QWEN["vision_start_token"]),
        "vision_end_token_id": find(QWEN["vision_end_token"]),
    }  # fmt: skip
    processor = {
        "patch_size": 8, "temporal_patch_size": 2, "merge_size": 2, "image_mean": HALF,
        "image_std": HALF, "size": {"shortest_edge": 1024, "longest_edge": 65536},
    }  # fmt: skip
    return save(folder, "Qwen3_5ForConditionalGeneration", config, tokenizer, processor)


def write_qwen25(folder: Path) -> Path:
    tokenizer = make_tokenizer(QWEN, TURNS, QWEN_TEMPLATE)
    find = tokenizer.convert_tokens_to_ids
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 2, 2]}
    config = {
        "text_config": text_config(len(tokenizer), rope_parameters=rope),
        "vision_config": {
            "depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2,
            "out_hidden_size": 64, "patch_size": 14, "fullatt_block_indexes": [1],
            "tokens_per_second": 4,
        },
        "video_token_id": find(QWEN["video_token"]),
        "image_token_id": find(QWEN["image_token"]),
        "vision_start_token_id": find(QWEN["vision_start_token"]),
        "vision_end_token_id": find(QWEN["vision_end_token"]),
    }  # fmt: skip
    processor = {
        "patch_size": 14, "temporal_patch_size": 2, "merge_size": 2, "min_pixels": 784,
        "max_pixels": 6272, "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
    }  # fmt: skip
    return save(folder, "Qwen2_5_VLForConditionalGeneration", config, tokenizer, processor)


INTERN = {
    "start_image_token": "<img>", "context_image_token": "<IMG_CONTEXT>",
    "end_image_token": "</img>", "video_token": "<video>",
}  # fmt: skip


def write_internvl(folder: Path) -> Path:
    tokenizer = make_tokenizer(INTERN, TURNS, MARKED_TEMPLATE)
    config = {
        "text_config": text_config(len(tokenizer), model_type="qwen2"),
        "vision_config": {
            "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
            "intermediate_size": 48, "image_size": [32, 32], "patch_size": [8, 8],
        },
        "image_token_id": tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>"),
        "image_seq_length": 4,
    }  # fmt: skip
    processor = {
        "size": {"height": 32, "width": 32}, "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225], "image_seq_length": 4,
    }  # fmt: skip
    return save(folder, "InternVLForConditionalGeneration", config, tokenizer, processor)


def write_onevision(folder: Path) -> Path:
    marks = {"video_token": "<video>", "image_token": "<image>"}
    tokenizer = make_tokenizer(marks, TURNS, MARKED_TEMPLATE)
    find = tokenizer.convert_tokens_to_ids
    config = {
        "text_config": text_config(len(tokenizer), model_type="qwen2"),
        "vision_config": {
            "model_type": "siglip_vision_model", "hidden_size": 32, "num_hidden_layers": 2,
            "num_attention_heads": 2, "intermediate_size": 48, "image_size": 32, "patch_size": 8,
            "vision_use_head": False,
        },
        "video_token_index": find("<video>"), "image_token_index": find("<image>"),
        "video_token_id": find("<video>"), "image_token_id": find("<image>"),
    }  # fmt: skip
    processor = {
        "size": {"height": 32, "width": 32}, "image_mean": HALF, "image_std": HALF,
        "num_image_tokens": 16,
    }  # fmt: skip
    return save(folder, "LlavaOnevisionForConditionalGeneration", config, tokenizer, processor)


def write_pixtral(folder: Path) -> Path:
    marks = {"image_token": "[IMG]", "image_break_token": "[IMG_BREAK]"}
    others = ["[IMG_END]", "[INST]", "[/INST]"]
    tokenizer = make_tokenizer(marks, others, PIXTRAL_TEMPLATE)
    config = {
        "text_config": text_config(len(tokenizer), model_type="mistral", head_dim=16),
        "vision_config": {
            "model_type": "pixtral", "hidden_size": 32, "num_hidden_layers": 2,
            "num_attention_heads": 2, "intermediate_size": 48, "image_size": 64, "patch_size": 8,
        },
        "image_token_index": tokenizer.convert_tokens_to_ids("[IMG]"),
        "image_token_id": tokenizer.convert_tokens_to_ids("[IMG]"),
        "vision_feature_layer": -1, "vision_feature_select_strategy": "full",
    }  # fmt: skip
    processor = {
        "size": {"longest_edge": 48}, "patch_size": {"height": 8, "width": 8},
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
    }  # fmt: skip
    return save(folder, "LlavaForConditionalGeneration", config, tokenizer, processor)


OPENAI = ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711])
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
TINY = {
    "qwen3vl": Tiny(write_checkpoint, (HALF, HALF)),
    "qwen3_5": Tiny(write_qwen35, (HALF, HALF)),
    "qwen2_5vl": Tiny(write_qwen25, OPENAI),
    "internvl": Tiny(write_internvl, IMAGENET),
    "llava_onevision": Tiny(write_onevision, (HALF, HALF)),
    "pixtral": Tiny(write_pixtral, OPENAI),
}
