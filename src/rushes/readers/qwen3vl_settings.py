"""The settings of a Qwen3-VL checkpoint's video processor, read from its files."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rushes.errors import UsageError
from rushes.readers.base import Measured, Sampling

MODES = {2: "bilinear", 3: "bicubic"}
"""PIL's numbers for the resampling filters that the family's checkpoints name."""

FILES = ("processor_config.json", "video_preprocessor_config.json", "preprocessor_config.json")
"""Where a video processor's settings may lie, nearest first, as transformers looks for them."""


MAX_ASPECT = 200
"""The class refuses pictures longer than this many times their width."""

BLOCK_TOKENS = 16
"""Tokens around a temporal patch, at most: its time, of up to twelve characters, and two marks."""

TIME_TOKENS = 12
"""Tokens of one time in a list of them, at most."""


@dataclass(frozen=True, slots=True)
class VideoSettings:
    """A checkpoint's video processor, with the class's defaults for what its file leaves out.

    Args:
        shortest_edge: fewest pixels of a whole clip, frames x height x width (the hub's name).
        longest_edge: the most of them.
        cap_pixels_per_frame: whether a frame may have ``max_video_tokens`` tokens at most.
        resample: PIL's number of the filter.
        per_frame: the bounds are those of one frame, as in Qwen2.5-VL.
        times: a time stands as text before each temporal patch.
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
    per_frame: bool = False
    times: bool = True

    @property
    def factor(self) -> int:
        """Pixels a side of what becomes one token."""
        return self.patch_size * self.merge_size

    @property
    def sampling(self) -> Sampling:
        return Sampling(self.fps, self.min_frames, self.max_frames)

    def measure(self, frames: int, height: int, width: int) -> Measured:
        rows, columns = choose_size(self, max(frames, self.temporal_patch_size), height, width)
        patches = -(-frames // self.temporal_patch_size)
        tokens = patches * rows * columns // self.factor**2
        around = patches * BLOCK_TOKENS if self.times else frames * TIME_TOKENS
        return Measured(rows, columns, tokens + around)


def choose_size(settings: VideoSettings, frames: int, height: int, width: int) -> tuple[int, int]:
    """(height, width) of the frames as the vision tower sees them, both multiples of ``factor``.

    Raises:
        UsageError: the picture is too long and thin.
    """
    most = settings.longest_edge
    if settings.per_frame:
        return resize_frame(settings, frames, height, width)
    if settings.cap_pixels_per_frame:
        cap = settings.max_video_tokens * settings.factor**2
        share = max(min(cap, most // frames), int(settings.shortest_edge * 1.05))
        most = share * frames
    return smart_resize(
        frames, height, width, settings.temporal_patch_size, settings.factor,
        settings.shortest_edge, most,
    )  # fmt: skip


def smart_resize(
    frames: int, height: int, width: int, temporal: int, factor: int, fewest: int, most: int
) -> tuple[int, int]:
    """``smart_resize`` of transformers' Qwen3-VL: whole tokens, total pixels between two bounds."""
    _require_shape(height, width)
    if height < factor or width < factor:
        scale = max(factor / height, factor / width)
        height, width = int(height * scale), int(width * scale)
    rows, columns = round(height / factor) * factor, round(width / factor) * factor
    total = round(frames / temporal) * temporal * rows * columns
    if total > most:
        beta = math.sqrt(frames * height * width / most)
        rows = max(factor, math.floor(height / beta / factor) * factor)
        columns = max(factor, math.floor(width / beta / factor) * factor)
    elif total < fewest:
        beta = math.sqrt(fewest / (frames * height * width))
        rows = math.ceil(height * beta / factor) * factor
        columns = math.ceil(width * beta / factor) * factor
    return rows, columns


def resize_frame(settings: VideoSettings, frames: int, height: int, width: int) -> tuple[int, int]:
    """The same of Qwen2.5-VL: bounds of one frame, and an even share of the context's pixels.

    The share is that of the reference implementation, which transformers takes over: nine tenths of
    ``max_video_tokens``, and 1.05 times the fewest pixels at least.
    """
    _require_shape(height, width)
    factor, fewest = settings.factor, settings.shortest_edge
    share = int(settings.max_video_tokens * factor**2 * 0.9) * settings.temporal_patch_size
    most = max(min(settings.longest_edge, share // frames), int(fewest * 1.05))
    rows, columns = round(height / factor) * factor, round(width / factor) * factor
    if rows * columns > most:
        beta = math.sqrt(height * width / most)
        rows = max(factor, math.floor(height / beta / factor) * factor)
        columns = max(factor, math.floor(width / beta / factor) * factor)
    elif rows * columns < fewest:
        beta = math.sqrt(fewest / (height * width))
        rows = math.ceil(height * beta / factor) * factor
        columns = math.ceil(width * beta / factor) * factor
    return rows, columns


def _require_shape(height: int, width: int) -> None:
    if max(height, width) / min(height, width) > MAX_ASPECT:
        raise UsageError(
            f"a picture of {width}x{height} is more than {MAX_ASPECT} times as long as wide",
            hint="crop it first",
        )


Make = Callable[[dict[str, Any], str], VideoSettings]


def read_settings(folder: Path, make: Make | None = None) -> VideoSettings:
    """The video processor's settings in a checkpoint's folder.

    Args:
        make: how a file is understood; as :func:`make_settings` does it where None.

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
        return (make or make_settings)(document, str(path))
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
