"""What a language model takes of each card: weights, the cache of its context, and the overhead.

Counted from sizes, not traced: activations beside them are small while one request is answered.
"""

from __future__ import annotations

from dataclasses import dataclass

from rushes.catalogue.device import Device

FORMATS: dict[str, float] = {"bfloat16": 2.0, "fp8": 1.0, "int4": 4.25 / 8}
"""Bytes a weight. Int4: 4 bits, and per group of 128 a 16-bit scale and zero point (AWQ, GPTQ)."""


@dataclass(frozen=True, slots=True)
class LanguageNeed:
    """What one card of ``gpus`` has to have, in bytes."""

    format: str
    gpus: int
    weights: int
    cache: int
    peak: int


def predict_language(
    parameters: int, cache_per_token: int, tokens: int, device: Device, gpus: int, format: str
) -> LanguageNeed:
    """The peak on each card, where weights and cache are split evenly over all of them."""
    weights = round(parameters * FORMATS[format] / gpus)
    cache = cache_per_token * tokens // gpus
    peak = weights + cache + round(device.reserve * cache) + device.overhead_bytes
    return LanguageNeed(format, gpus, weights, cache, peak)
