"""Qwen3-VL and its kin, spotter among them, over transformers' ``Qwen3VLForConditionalGeneration``.

Every pair of frames has its time as text before it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rushes.readers.base import Frames
from rushes.readers.family import TransformerFamily
from rushes.readers.loaded import Clip, LoadedTransformer
from rushes.readers.qwen3vl_settings import VideoSettings, make_settings, read_settings
from rushes.readers.qwen3vl_video import average_times, prepare_pixels, write_blocks

if TYPE_CHECKING:
    import torch

VIDEO, START, END = "<|video_pad|>", "<|vision_start|>", "<|vision_end|>"
"""The family's tokens, where a tokenizer names no others."""


class LoadedQwen3VL(LoadedTransformer):
    """A checkpoint on one device."""

    MODELS: ClassVar[dict[str, str]] = {
        "qwen3_vl": "Qwen3VLForConditionalGeneration",
        "qwen3_vl_moe": "Qwen3VLMoeForConditionalGeneration",
    }
    settings: VideoSettings

    def list_controls(self) -> list[str]:
        return [VIDEO, START, END]

    def find_end(self, frames: Frames) -> float:
        depth = self.settings.temporal_patch_size
        gap = super().find_end(frames) - frames.seconds[-1]
        last = average_times(frames.seconds, depth)[-1]
        return last + max(depth / self.settings.fps, gap)

    def make_clip(self, frames: Frames) -> Clip:
        settings = self.settings
        pixels = prepare_pixels(frames, settings)
        times = average_times(frames.seconds, settings.temporal_patch_size)
        text = write_blocks(
            times,
            pixels.grid[1] * pixels.grid[2] // settings.merge_size**2,
            self.token("video_token", VIDEO),
            self.token("vision_start_token", START),
            self.token("vision_end_token", END),
        )
        return Clip(text, self._make_inputs(pixels.values, pixels.grid), pixels.grid, tuple(times))

    def _make_inputs(
        self, values: torch.Tensor, grid: tuple[int, int, int]
    ) -> dict[str, torch.Tensor]:
        import torch

        return {"pixel_values_videos": values, "video_grid_thw": torch.tensor([grid])}

    def number_positions(self, ids: list[int], clip: Clip) -> torch.Tensor | None:
        """(3, 1, tokens) int64: time, row and column of each token, as the class numbers them."""
        import torch

        model = self.part("model")
        tokens = torch.tensor([ids], device=self.device)
        kinds = 2 * (tokens == model.config.video_token_id).int()
        positions: torch.Tensor = model.model.get_rope_index(
            tokens, kinds, video_grid_thw=torch.tensor([clip.grid], device=self.device)
        )[0]
        return positions


class Qwen3VL(TransformerFamily):
    """The family."""

    title = "Qwen3-VL"
    loaded = LoadedQwen3VL

    def make_settings(self, document: dict[str, Any], where: str) -> VideoSettings:
        return make_settings(document, where)

    def read_settings(self, folder: Path) -> VideoSettings:
        return read_settings(folder)
