"""InternVL3 over transformers' ``InternVLForConditionalGeneration``.

Frames are pictures of 448x448 pixels, named ``Frame1:`` and so on as the class's processor names
them. Their times are listed in a sentence before the question.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from rushes.readers.base import Frames, Sampling
from rushes.readers.family import TransformerFamily
from rushes.readers.loaded import Clip, LoadedTransformer
from rushes.readers.pictures import PictureSettings, make_pictures, read_document, take_size
from rushes.readers.times import list_times

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
NAME_TOKENS = 10
"""``Frame64: ``, two marks and a line break, at most."""
SAMPLING = Sampling(1.0, 8, 64)
"""As the catalogue has it."""


class LoadedInternVL(LoadedTransformer):
    """A checkpoint on one device."""

    MODELS: ClassVar[dict[str, str]] = {"internvl": "InternVLForConditionalGeneration"}
    MARKER = "<video>"
    settings: PictureSettings

    def list_controls(self) -> list[str]:
        return [self.MARKER, *self._tokens()]

    def _tokens(self) -> tuple[str, str, str]:
        """Of a picture: its beginning, its inside, its end."""
        return (
            self.token("start_image_token", "<img>"),
            self.token("context_image_token", "<IMG_CONTEXT>"),
            self.token("end_image_token", "</img>"),
        )

    def make_clip(self, frames: Frames) -> Clip:
        begin, inside, end = self._tokens()
        picture = f"{begin}{inside * self.settings.tokens}{end}"
        names = (f"Frame{k + 1}: {picture}" for k in range(len(frames.pixels)))
        return Clip("\n".join(names), {"pixel_values": make_pictures(frames, self.settings)})

    def write_after(self, frames: Frames) -> str:
        return f"{list_times(frames.seconds)}\n"


class InternVL(TransformerFamily):
    """The family."""

    title = "InternVL"
    loaded = LoadedInternVL

    def make_settings(self, document: dict[str, Any], where: str) -> PictureSettings:
        height, width = take_size(document, 448, where)
        return PictureSettings(
            height,
            width,
            tuple(document.get("image_mean") or MEAN),
            tuple(document.get("image_std") or STD),
            int(document.get("image_seq_length") or 256),
            NAME_TOKENS,
            SAMPLING,
            document.get("resample") or 3,
        )

    def read_settings(self, folder: Path) -> PictureSettings:
        return read_document(folder, self.make_settings)
