"""Qwen2.5-VL over transformers' ``Qwen2_5_VLForConditionalGeneration``.

A video is one block of placeholders; times are in the positions of its tokens, so many steps a
second. The class assumes an even rate. Here every temporal patch gets the position of its own time,
which for an even rate is what the class gives. The times also stand as text after the block.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rushes.readers.base import Frames
from rushes.readers.loaded import Clip
from rushes.readers.qwen3vl import END, START, VIDEO, LoadedQwen3VL, Qwen3VL
from rushes.readers.qwen3vl_settings import VideoSettings, make_settings, read_settings
from rushes.readers.qwen3vl_video import average_times, prepare_pixels
from rushes.readers.times import list_times

if TYPE_CHECKING:
    import torch

CONTEXT_TOKENS = 128_000
"""What transformers' video processor shares among the frames, where a file names nothing else."""


class LoadedQwen25VL(LoadedQwen3VL):
    """A checkpoint on one device."""

    MODELS: ClassVar[dict[str, str]] = {"qwen2_5_vl": "Qwen2_5_VLForConditionalGeneration"}

    def make_clip(self, frames: Frames) -> Clip:
        pixels = prepare_pixels(frames, self.settings)
        tokens = pixels.grid[0] * pixels.grid[1] * pixels.grid[2] // self.settings.merge_size**2
        pad = self.token("video_token", VIDEO)
        times = tuple(average_times(frames.seconds, self.settings.temporal_patch_size))
        inputs = self._make_inputs(pixels.values, pixels.grid)
        return Clip(pad * tokens, inputs, pixels.grid, times)

    def write_after(self, frames: Frames) -> str:
        return f"{list_times(frames.seconds)}\n"

    def list_controls(self) -> list[str]:
        return [VIDEO, START, END]

    def number_positions(self, ids: list[int], clip: Clip) -> torch.Tensor | None:
        import torch

        positions = super().number_positions(ids, clip)
        assert positions is not None
        model = self.part("model")
        rate = model.config.vision_config.tokens_per_second
        seconds = torch.tensor(clip.times, dtype=torch.float64) - clip.times[0]
        steps = (
            (seconds * rate + 1e-6)
            .long()
            .repeat_interleave(clip.grid[1] * clip.grid[2] // self.settings.merge_size**2)
        )
        of_clip = torch.tensor(ids) == model.config.video_token_id
        begin = positions[0, 0, of_clip].min()
        positions[0, 0, of_clip] = begin + steps.to(positions.device)
        return positions


class Qwen25VL(Qwen3VL):
    """The family."""

    title = "Qwen2.5-VL"
    loaded = LoadedQwen25VL

    def make_settings(self, document: dict[str, Any], where: str) -> VideoSettings:
        return _adapt(make_settings(_name_sizes(document), where), document)

    def read_settings(self, folder: Path) -> VideoSettings:
        return read_settings(folder, self.make_settings)


def _name_sizes(document: dict[str, Any]) -> dict[str, Any]:
    """Older files name the bounds of a frame by themselves, and leave out what the class knows."""
    size = dict(document.get("size") or {})
    for old, new in (("min_pixels", "shortest_edge"), ("max_pixels", "longest_edge")):
        if document.get(old) and not size.get(new):
            size[new] = document[old]
    known = {"patch_size": 14, "image_mean": CLIP_MEAN, "image_std": CLIP_STD}
    return known | document | {"size": FRAME_SIZE | size}


CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
FRAME_SIZE = {"shortest_edge": 128 * 28 * 28, "longest_edge": 768 * 28 * 28}
"""Of transformers' ``Qwen2VLVideoProcessor``."""


def _adapt(settings: VideoSettings, document: dict[str, Any]) -> VideoSettings:
    tokens = document.get("max_video_tokens") or CONTEXT_TOKENS
    return replace(settings, per_frame=True, times=False, max_video_tokens=tokens)
