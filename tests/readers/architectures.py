"""The configurations by which the parameters of the catalogue's readers were counted."""

from __future__ import annotations

from typing import Any

Sizes = dict[str, Any]
SMALL = {"depth": 24, "hidden_size": 1024, "intermediate_size": 4096, "num_heads": 16}
LARGE = {"depth": 27, "hidden_size": 1152, "intermediate_size": 4304, "num_heads": 16}
TINY = {"depth": 12, "hidden_size": 768, "intermediate_size": 3072, "num_heads": 12}
MOE = {"num_experts": 128, "num_experts_per_tok": 8, "decoder_sparse_step": 1}
HALF_B, SEVEN_B = (896, 24, 14, 2, 4864), (3584, 28, 28, 4, 18944)
THIRTY_B, SEVENTY_B = (5120, 64, 40, 8, 27648), (8192, 80, 64, 8, 29568)
"""Qwen2.5's language models: hidden, layers, heads, heads of keys and values, inside."""


def _text(hidden: int, layers: int, heads: int, kv: int, inside: int, vocab: int) -> Sizes:
    return {
        "model_type": "qwen2", "hidden_size": hidden, "num_hidden_layers": layers,
        "num_attention_heads": heads, "num_key_value_heads": kv, "intermediate_size": inside,
        "vocab_size": vocab, "tie_word_embeddings": False,
    }  # fmt: skip


def _qwen3vl(sizes: tuple[int, ...], vision: Sizes, *, tied: bool = False, **experts: int) -> Sizes:
    text = _text(*sizes, 151936) | {"head_dim": 128, "tie_word_embeddings": tied, **experts}
    del text["model_type"]
    steps = [5, 11, 17] if vision is SMALL else [8, 16, 24]
    seen = {**vision, "out_hidden_size": sizes[0], "deepstack_visual_indexes": steps}
    return {"text_config": text, "vision_config": seen, "tie_word_embeddings": tied}


def _qwen35(sizes: tuple[int, ...], values: int, vision: Sizes, *, tied: bool) -> Sizes:
    text = _text(*sizes, 248320)
    del text["model_type"]
    text |= {"linear_num_value_heads": values, "tie_word_embeddings": tied}
    seen = {**vision, "out_hidden_size": sizes[0]}
    return {"text_config": text, "vision_config": seen, "tie_word_embeddings": tied}


def _internvl(sizes: tuple[int, ...], *, large: bool) -> Sizes:
    seen: Sizes = {"image_size": [448, 448]}
    if large:
        seen |= {
            "hidden_size": 3200, "num_hidden_layers": 45, "num_attention_heads": 25,
            "intermediate_size": 12800, "use_qk_norm": True, "norm_type": "rms_norm",
            "attention_bias": False,
        }  # fmt: skip
    else:
        seen |= {
            "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16,
            "intermediate_size": 4096, "norm_type": "layer_norm", "attention_bias": True,
        }  # fmt: skip
    text = _text(*sizes, 151674)
    return {"vision_config": seen, "text_config": text, "tie_word_embeddings": False}


def _onevision(sizes: tuple[int, ...], vocab: int, *, tied: bool = False) -> Sizes:
    seen = {
        "model_type": "siglip_vision_model", "hidden_size": 1152, "intermediate_size": 4304,
        "num_hidden_layers": 26, "num_attention_heads": 16, "image_size": 384, "patch_size": 14,
        "vision_use_head": False,
    }  # fmt: skip
    text = _text(*sizes, vocab) | {"tie_word_embeddings": tied}
    return {"vision_config": seen, "text_config": text, "tie_word_embeddings": tied}


CONFIGURATIONS: dict[str, Sizes] = {
    "qwen2.5-vl-7b": {
        "text_config": _text(*SEVEN_B, 152064) | {"model_type": "qwen2_5_vl_text"},
        "vision_config": {
            "depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16,
            "out_hidden_size": 3584,
        },
        "tie_word_embeddings": False,
    },
    "qwen3-vl-2b": _qwen3vl((2048, 28, 16, 8, 6144), SMALL, tied=True),
    "qwen3-vl-4b": _qwen3vl((2560, 36, 32, 8, 9728), SMALL, tied=True),
    "qwen3-vl-8b": _qwen3vl((4096, 36, 32, 8, 12288), LARGE),
    "qwen3-vl-32b": _qwen3vl((5120, 64, 64, 8, 25600), LARGE),
    "qwen3-vl-30b-a3b": _qwen3vl((2048, 48, 32, 4, 6144), LARGE, moe_intermediate_size=768, **MOE),
    "qwen3-vl-235b-a22b": _qwen3vl(
        (4096, 94, 64, 4, 12288), LARGE, moe_intermediate_size=1536, **MOE
    ),
    "qwen3.5-0.8b": _qwen35((1024, 24, 8, 2, 3584), 16, TINY, tied=True),
    "qwen3.5-2b": _qwen35((2048, 24, 8, 2, 6144), 16, SMALL, tied=True),
    "qwen3.5-4b": _qwen35((2560, 32, 16, 4, 9216), 32, SMALL, tied=True),
    "qwen3.5-9b": _qwen35((4096, 32, 16, 4, 12288), 32, LARGE, tied=False),
    "qwen3.5-27b": _qwen35((5120, 64, 24, 4, 17408), 48, LARGE, tied=False),
    "internvl3-1b": _internvl(HALF_B, large=False),
    "internvl3-8b": _internvl(SEVEN_B, large=False),
    "internvl3-38b": _internvl(THIRTY_B, large=True),
    "internvl3-78b": _internvl(SEVENTY_B, large=True),
    "pixtral-12b": {
        "text_config": _text(5120, 40, 32, 8, 14336, 131072)
        | {"model_type": "mistral", "head_dim": 128},
        "vision_config": {
            "model_type": "pixtral", "hidden_size": 1024, "num_hidden_layers": 24,
            "num_attention_heads": 16, "intermediate_size": 4096, "patch_size": 16,
            "image_size": 1024,
        },
        "tie_word_embeddings": False,
    },
    "llava-onevision-0.5b": _onevision(HALF_B, 152000, tied=True),
    "llava-onevision-7b": _onevision(SEVEN_B, 152128),
    "llava-onevision-72b": _onevision(SEVENTY_B, 152064),
}  # fmt: skip


def build_on_meta(class_name: str, configuration: Sizes) -> Any:
    """The class without weights, its tied parameters tied."""
    import torch
    import transformers

    kind = getattr(transformers, class_name)
    config = kind.config_class(**configuration)
    with torch.device("meta"):
        model = kind(config)
    if config.tie_word_embeddings:
        model.tie_weights()
    return model


def count_cache_bytes(config: Any, width: int) -> int:
    """Keys and values of one token, in the layers that keep them."""
    text = config.get_text_config()
    kinds = getattr(text, "layer_types", None) or ["full_attention"] * text.num_hidden_layers
    size = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    layers = kinds.count("full_attention")
    return int(2 * layers * text.num_key_value_heads * size * width)
