"""The settings of a Qwen3-VL checkpoint's video processor, read from its files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rushes.errors import UsageError
from rushes.readers.base import Sampling

MODES = {2: "bilinear", 3: "bicubic"}
"""PIL's numbers for the resampling filters that the family's checkpoints name."""

FILES = ("processor_config.json", "video_preprocessor_config.json", "preprocessor_config.json")
"""Where a video processor's settings may lie, nearest first, as transformers looks for them."""


@dataclass(frozen=True, slots=True)
class VideoSettings:
    """A checkpoint's video processor, with the class's defaults for what its file leaves out.

    Args:
        shortest_edge: fewest pixels of a whole clip, frames x height x width (the hub's name).
        longest_edge: the most of them.
        cap_pixels_per_frame: whether a frame may have ``max_video_tokens`` tokens at most.
        resample: PIL's number of the filter.
    """

    shortest_edge: int = 128 * 32 * 32
    longest_edge: int = 768 * 32 * 32
    cap_pixels_per_frame: bool = False
    max_video_tokens: int = 768
    patch_size: int = 16
    temporal_patch_size: int = 2
    merge_size: int = 2
    resample: int = 3
    rescale_factor: float = 1 / 255
    image_mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    image_std: tuple[float, ...] = (0.229, 0.224, 0.225)
    fps: float = 2.0
    min_frames: int = 4
    max_frames: int = 768

    @property
    def factor(self) -> int:
        """Pixels a side of what becomes one token."""
        return self.patch_size * self.merge_size

    @property
    def sampling(self) -> Sampling:
        return Sampling(self.fps, self.min_frames, self.max_frames)


def read_settings(folder: Path) -> VideoSettings:
    """The video processor's settings in a checkpoint's folder.

    Raises:
        UsageError: there is no such file, or it asks for what is not done here.
    """
    for name in FILES:
        path = folder / name
        if not path.is_file():
            continue
        document = _read_json(path)
        if name == FILES[0]:
            if "video_processor" not in document:
                continue
            document = document["video_processor"]
        return make_settings(document, str(path))
    raise UsageError(
        f"{folder} has no settings of a video processor",
        where=str(folder),
        hint=f"a checkpoint of this family carries {FILES[1]}",
    )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as exc:
        raise UsageError(
            f"cannot read {path.name}: {exc}", where=str(path), hint="pull the checkpoint again"
        ) from exc
    if not isinstance(document, dict):
        raise UsageError(f"{path.name} is not a table of settings", where=str(path))
    return document


def make_settings(document: dict[str, Any], where: str) -> VideoSettings:
    """Settings out of a video processor's file.

    Raises:
        UsageError: it asks for what is not done here.
    """
    off = [k for k in ("do_resize", "do_rescale", "do_normalize") if document.get(k) is False]
    if off:
        raise UsageError(f"{off[0]} = false is not supported", where=f"{where}:{off[0]}")
    size = document.get("size") or {}
    known = {
        name: document[name]
        for name in VideoSettings.__dataclass_fields__
        if document.get(name) is not None
    }
    known |= {k: size[k] for k in ("shortest_edge", "longest_edge") if size.get(k)}
    for name in ("image_mean", "image_std"):
        if name in known:
            known[name] = tuple(known[name])
    settings = VideoSettings(**known)
    if settings.resample not in MODES:
        raise UsageError(
            f"the filter {settings.resample} is not supported",
            where=f"{where}:resample",
            hint="2 is bilinear, 3 is bicubic",
        )
    return settings
