"""Frames to what a Qwen3-VL reads: ``pixel_values_videos``, ``video_grid_thw`` and timestamps.

transformers 5.23 has one video processor for the family, ``Qwen3VLVideoProcessor``, and it stands
on ``TorchvisionBackend``: the auto-mapping of video processors names the backend "torchvision"
alone (``models/auto/video_processing_auto.py``), and ``AutoProcessor`` raises where torchvision is
missing (huggingface/transformers#43986, #48558). Image processors have a second backend on PIL;
video processors have none. And a registry torchvision beside a CPU build of torch breaks the import
of transformers itself. So the checkpoint's processor files are read here, and the class's
arithmetic is done on torch alone, which gives the same numbers: torchvision resizes uint8 pixels on
a CPU with ``torch.nn.functional.interpolate`` too. It is always done on the CPU: where the model
lies changes no pixel. A test compares with the class wherever torchvision can be imported.

Since transformers 5.10 the text around a video keeps the template's own ``<|vision_start|>`` and
``<|vision_end|>`` outside the timestamped blocks (vllm-project/vllm#46817); so it does here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rushes.readers.base import Frames
from rushes.readers.qwen3vl_settings import MODES, VideoSettings, choose_size

if TYPE_CHECKING:
    import torch


class Normalised(Protocol):
    """What a processor's settings say of values."""

    @property
    def rescale_factor(self) -> float:
        """From levels to 0..1."""

    @property
    def image_mean(self) -> tuple[float, ...]:
        """By channel, of 0..1."""

    @property
    def image_std(self) -> tuple[float, ...]:
        """By channel."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """One clip for the vision tower.

    Args:
        values: (T * H * W, 3 * temporal_patch_size * patch_size**2) float32, normalised.
        grid: (T, H, W), in patches.
    """

    values: torch.Tensor
    grid: tuple[int, int, int]


def resize_clip(pixels: torch.Tensor, settings: VideoSettings) -> torch.Tensor:
    """(F, 3, H, W) uint8 on the CPU to the size of ``choose_size``, (F, 3, h, w) uint8.

    Args:
        pixels: at least two frames; a single one is doubled by :func:`prepare_pixels` before.
    """
    from torch.nn import functional

    size = choose_size(settings, pixels.shape[0], pixels.shape[2], pixels.shape[3])
    if size == tuple(pixels.shape[2:]):
        return pixels
    mode = MODES[settings.resample]
    resized: torch.Tensor = functional.interpolate(
        pixels, size=list(size), mode=mode, align_corners=False, antialias=True
    )
    return resized


def normalise_clip(pixels: torch.Tensor, settings: Normalised) -> torch.Tensor:
    """(F, 3, h, w) uint8 to float32 with the checkpoint's mean and deviation."""
    import torch

    scale = 1.0 / settings.rescale_factor
    mean = torch.tensor(settings.image_mean) * scale
    deviation = torch.tensor(settings.image_std) * scale
    values: torch.Tensor = pixels.to(torch.float32).sub_(mean.view(-1, 1, 1))
    return values.div_(deviation.view(-1, 1, 1))


def cut_patches(values: torch.Tensor, settings: VideoSettings) -> Pixels:
    """(F, 3, h, w) float32 to patches, in the order in which 2x2 of them merge to one token.

    The last frame is repeated until the frames fill whole temporal patches.
    """
    import torch

    depth, side, merge = settings.temporal_patch_size, settings.patch_size, settings.merge_size
    if missing := -values.shape[0] % depth:
        values = torch.cat([values, values[-1:].expand(missing, -1, -1, -1)])
    frames, channels, height, width = values.shape
    t, h, w = frames // depth, height // side, width // side
    blocks = values.view(
        t, depth, channels, h // merge, merge, side, w // merge, merge, side
    )  # fmt: skip
    flat = blocks.permute(0, 3, 6, 4, 7, 2, 1, 5, 8).reshape(t * h * w, -1)
    return Pixels(flat, (t, h, w))


def prepare_pixels(frames: Frames, settings: VideoSettings) -> Pixels:
    """What the vision tower reads of a clip."""
    import numpy as np
    import torch

    pictures = list(frames.pixels)
    pictures += pictures[-1:] * (settings.temporal_patch_size - len(pictures))
    clip = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()
    return cut_patches(normalise_clip(resize_clip(clip, settings), settings), settings)


def average_times(seconds: Sequence[float], depth: int) -> list[float]:
    """One time a temporal patch: the mean of its first and last frame's."""
    times = list(seconds) + [seconds[-1]] * (-len(seconds) % depth)
    return [(times[i] + times[i + depth - 1]) / 2 for i in range(0, len(times), depth)]


def write_blocks(times: Sequence[float], tokens: int, pad: str, start: str, end: str) -> str:
    """The text that stands for a clip: a timestamp and ``tokens`` pads for each temporal patch."""
    return "".join(f"<{time:.1f} seconds>{start}{pad * tokens}{end}" for time in times)
