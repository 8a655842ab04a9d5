"""LLaVA-OneVision over transformers' ``LlavaOnevisionForConditionalGeneration``.

Frames are pictures of 384x384 pixels, each pooled to a quarter of its patches, one after the other
without marks. Their times are listed in a sentence before the question.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from rushes.readers.base import Frames, Measured, Sampling
from rushes.readers.family import TransformerFamily
from rushes.readers.loaded import Clip, LoadedTransformer
from rushes.readers.pictures import PictureSettings, make_pictures, read_document, take_size
from rushes.readers.times import list_times

HALF = (0.5, 0.5, 0.5)
SAMPLING = Sampling(1.0, 8, 32)
"""As the catalogue has it."""


class OnevisionSettings(PictureSettings):
    """With the one token that ends all frames."""

    __slots__ = ()

    def measure(self, frames: int, height: int, width: int) -> Measured:
        size = super().measure(frames, height, width)
        return replace(size, tokens=size.tokens + 1)


class LoadedOnevision(LoadedTransformer):
    """A checkpoint on one device."""

    MODELS: ClassVar[dict[str, str]] = {"llava_onevision": "LlavaOnevisionForConditionalGeneration"}
    MARKER = "<video>"
    settings: PictureSettings

    def list_controls(self) -> list[str]:
        return [self.MARKER, "<image>"]

    def make_clip(self, frames: Frames) -> Clip:
        count = len(frames.pixels) * self.settings.tokens + 1
        pixels = make_pictures(frames, self.settings).unsqueeze(0)
        inputs = {"pixel_values_videos": pixels.to(self.part("model").dtype)}
        return Clip(self.MARKER * count, inputs)

    def write_after(self, frames: Frames) -> str:
        return f"{list_times(frames.seconds)}\n"


class LlavaOnevision(TransformerFamily):
    """The family."""

    title = "LLaVA-OneVision"
    loaded = LoadedOnevision

    def make_settings(self, document: dict[str, Any], where: str) -> PictureSettings:
        height, width = take_size(document, 384, where)
        side = math.isqrt(int(document.get("num_image_tokens") or 729))
        return OnevisionSettings(
            height,
            width,
            tuple(document.get("image_mean") or HALF),
            tuple(document.get("image_std") or HALF),
            math.ceil(side / 2) ** 2,
            0,
            SAMPLING,
            document.get("resample") or 3,
        )

    def read_settings(self, folder: Path) -> PictureSettings:
        return read_document(folder, self.make_settings)
