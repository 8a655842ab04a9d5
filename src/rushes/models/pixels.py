"""Between frames as files hold them and pictures as models take and give them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

    from rushes.models.base import Frame


def to_frames(video: torch.Tensor) -> Iterator[Frame]:
    """Frames (H, W, 3) uint8 RGB of a decoder's output, as ``VideoProcessor`` and a file round it.

    Args:
        video: (1, 3, F, H, W), any float dtype, in [-1, 1].
    """
    pixels = (video[0] / 2 + 0.5).clamp(0, 1).permute(1, 2, 3, 0).cpu().float().numpy()
    yield from (pixels * 255).round().astype(np.uint8)


def crop_picture(frame: Frame, height: int, width: int) -> Any:
    """A ``PIL.Image`` of the frame's middle, of the proportions height to width, not scaled.

    Diffusers stretches a picture of other proportions; here it covers the clip and is cut.
    """
    from PIL import Image

    rows, columns = frame.shape[:2]
    high = min(rows, max(round(columns * height / width), 1))
    wide = min(columns, max(round(rows * width / height), 1))
    top, left = (rows - high) // 2, (columns - wide) // 2
    return Image.fromarray(np.ascontiguousarray(frame[top : top + high, left : left + wide]))


def fit_picture(frame: Frame, height: int, width: int) -> Any:
    """A ``PIL.Image`` of the target's size: the frame's middle, scaled as diffusers does."""
    from PIL import Image

    return crop_picture(frame, height, width).resize((width, height), Image.Resampling.LANCZOS)


def read_pixels(picture: Any) -> torch.Tensor:
    """(1, 3, H, W) float32 in [-1, 1] of a ``PIL.Image``, as ``VideoProcessor`` gives it."""
    from diffusers.video_processor import VideoProcessor

    pixels: torch.Tensor = VideoProcessor(do_resize=False).preprocess(picture)
    return pixels
