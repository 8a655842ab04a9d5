"""Frames as separate pictures of one size, for families that do not read pairs of them.

As for Qwen3-VL, the class's arithmetic is done on torch alone, since the video processors import
torchvision; see ``qwen3vl_video.py`` and ADR 5.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rushes.errors import UsageError
from rushes.readers.base import Frames, Measured, Sampling
from rushes.readers.qwen3vl_settings import MODES, TIME_TOKENS

if TYPE_CHECKING:
    import torch

FILES = ("video_preprocessor_config.json", "processor_config.json", "preprocessor_config.json")
NESTED = ("video_processor", "image_processor")
"""Under these keys of ``processor_config.json`` newer checkpoints keep their processors."""

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class PictureSettings:
    """A processor whose pictures all get one size.

    Args:
        tokens: that a frame becomes.
        around: tokens beside those, of each frame, at most.
        sampling: the catalogue's; files of these families say nothing of it.
    """

    height: int
    width: int
    image_mean: tuple[float, ...]
    image_std: tuple[float, ...]
    tokens: int
    around: int
    sampling: Sampling
    resample: int = 3
    rescale_factor: float = 1 / 255

    def measure(self, frames: int, height: int, width: int) -> Measured:
        count = frames * (self.tokens + self.around + TIME_TOKENS)
        return Measured(self.height, self.width, count)


def make_pictures(frames: Frames, settings: PictureSettings) -> torch.Tensor:
    """(F, 3, height, width) float32, normalised."""
    import numpy as np
    import torch
    from torch.nn import functional

    from rushes.readers.qwen3vl_video import normalise_clip

    clip = torch.from_numpy(np.stack(frames.pixels)).permute(0, 3, 1, 2).contiguous()
    size = [settings.height, settings.width]
    if list(clip.shape[2:]) != size:
        mode = MODES[settings.resample]
        clip = functional.interpolate(clip, size, mode=mode, align_corners=False, antialias=True)
    return normalise_clip(clip, settings)


def read_document(folder: Path, make: Callable[[dict[str, Any], str], S]) -> S:
    """Settings out of the nearest of a checkpoint's processor files.

    Raises:
        UsageError: there is none, or it cannot be read.
    """
    said: dict[str, Any] = {}
    found = ""
    for name in reversed(FILES):
        path = folder / name
        if not path.is_file():
            continue
        try:
            document = json.loads(path.read_text("utf-8"))
            own = {k: v for k, v in document.items() if k not in NESTED}
        except (OSError, ValueError, AttributeError) as exc:
            raise UsageError(
                f"cannot read {name}: {exc}", where=str(path), hint="pull the checkpoint again"
            ) from exc
        said |= own
        for key in reversed(NESTED):
            said |= document.get(key) or {}
        found = str(path)
    if not found:
        raise UsageError(
            f"{folder} has no settings of a processor",
            where=str(folder),
            hint=f"a checkpoint of this family carries {FILES[-1]}",
        )
    return make(said, found)


def take_size(document: dict[str, Any], default: int, where: str) -> tuple[int, int]:
    """(height, width) of a processor's ``size``.

    Raises:
        UsageError: it is none, or a step is turned off that is always done here.
    """
    off = [k for k in ("do_resize", "do_rescale", "do_normalize") if document.get(k) is False]
    if off:
        raise UsageError(f"{off[0]} = false is not supported", where=f"{where}:{off[0]}")
    size = document.get("size") or {}
    side = size.get("shortest_edge", default)
    found = size.get("height", side), size.get("width", side)
    if not all(isinstance(n, int) and 0 < n <= 4096 for n in found):
        raise UsageError(f"the size {size} is not supported", where=f"{where}:size")
    if document.get("resample", 3) not in MODES:
        raise UsageError(
            f"the filter {document['resample']} is not supported",
            where=f"{where}:resample",
            hint="2 is bilinear, 3 is bicubic",
        )
    return found
