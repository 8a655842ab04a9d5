"""Pixtral over transformers' ``LlavaForConditionalGeneration``: it reads pictures, not video.

Every frame is a picture of its own with its time as text before it. The checkpoint's own image
processor does the work: unlike those of video it has a form without torchvision.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from rushes.errors import UsageError
from rushes.readers.base import Frames, Measured, Sampling
from rushes.readers.family import TransformerFamily
from rushes.readers.loaded import Clip, LoadedTransformer
from rushes.readers.pictures import read_document

IMAGE, BREAK, END = "[IMG]", "[IMG_BREAK]", "[IMG_END]"
PLACE = "\ue000"
"""Stands for the clip while the chat template is filled in: a character of no script."""
SAMPLING = Sampling(1.0, 4, 24)
"""As the catalogue has it."""
TIME_TOKENS = 14
"""``3599.5 seconds:`` and a line break, at most."""


@dataclass(frozen=True, slots=True)
class PixtralSettings:
    """The image processor: pictures at most ``longest`` pixels long, in patches of ``patch``.

    Args:
        document: what the processor's file says, for the class itself.
    """

    longest: int
    patch: int
    document: dict[str, Any] = field(hash=False)
    sampling: Sampling = SAMPLING

    def choose_grid(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of patches, as the class's processor chooses them."""
        ratio = max(height / self.longest, width / self.longest, 1.0)
        if ratio > 1:
            height, width = math.floor(height / ratio), math.floor(width / ratio)
        return (height - 1) // self.patch + 1, (width - 1) // self.patch + 1

    def measure(self, frames: int, height: int, width: int) -> Measured:
        rows, columns = self.choose_grid(height, width)
        tokens = frames * (rows * (columns + 1) + TIME_TOKENS)
        return Measured(rows * self.patch, columns * self.patch, tokens)


class LoadedPixtral(LoadedTransformer):
    """A checkpoint on one device."""

    MODELS: ClassVar[dict[str, str]] = {"llava": "LlavaForConditionalGeneration"}
    MARKER = PLACE
    settings: PixtralSettings

    def list_controls(self) -> list[str]:
        return [PLACE, IMAGE, BREAK, END]

    def write_content(self, question: str) -> Any:
        return f"{PLACE}{question}"

    def make_clip(self, frames: Frames) -> Clip:
        from transformers.models.pixtral.image_processing_pil_pixtral import (
            PixtralImageProcessorPil,
        )

        settings = self.settings
        known = ("size", "patch_size", "image_mean", "image_std", "resample", "rescale_factor")
        said = {k: settings.document[k] for k in known if settings.document.get(k) is not None}
        out = PixtralImageProcessorPil(**said)(list(frames.pixels), return_tensors="pt")
        text = []
        for seconds, (height, width) in zip(
            frames.seconds, out["image_sizes"].tolist(), strict=True
        ):
            rows, columns = height // settings.patch, width // settings.patch
            lines = [IMAGE * columns] * rows
            text.append(f"{seconds:.1f} seconds:{BREAK.join(lines)}{END}\n")
        pixels = out["pixel_values"].to(self.part("model").dtype)
        return Clip("".join(text), {"pixel_values": pixels, "image_sizes": out["image_sizes"]})


class Pixtral(TransformerFamily):
    """The family."""

    title = "Pixtral"
    loaded = LoadedPixtral

    def is_mine(self, config: dict[str, Any]) -> bool:
        vision = config.get("vision_config") or {}
        return super().is_mine(config) and vision.get("model_type") == "pixtral"

    def make_settings(self, document: dict[str, Any], where: str) -> PixtralSettings:
        size = document.get("size") or {}
        patch = document.get("patch_size") or 16
        side = patch.get("height") if isinstance(patch, dict) else patch
        longest = size.get("longest_edge") or 1024
        if not isinstance(side, int) or not isinstance(longest, int) or min(side, longest) < 1:
            raise UsageError(f"the size {size} is not supported", where=f"{where}:size")
        return PixtralSettings(longest, side, document)

    def read_settings(self, folder: Path) -> PixtralSettings:
        return read_document(folder, self.make_settings)
