"""Qwen3.5 over transformers' ``Qwen3_5ForConditionalGeneration``, with Qwen3-VL's way of seeing.

Three of four layers keep a state of fixed size in the place of keys and values. What such a state
took in cannot be cut off, so a copy of it is kept from before the question.
"""

from __future__ import annotations

from typing import Any, ClassVar

from rushes.readers.qwen3vl import LoadedQwen3VL, Qwen3VL


class LoadedQwen35(LoadedQwen3VL):
    """A checkpoint on one device. It is told not to think aloud."""

    MODELS: ClassVar[dict[str, str]] = {
        "qwen3_5": "Qwen3_5ForConditionalGeneration",
        "qwen3_5_moe": "Qwen3_5MoeForConditionalGeneration",
    }
    TEMPLATE: ClassVar[dict[str, Any]] = {"enable_thinking": False}


class Qwen35(Qwen3VL):
    """The family."""

    title = "Qwen3.5"
    loaded = LoadedQwen35
