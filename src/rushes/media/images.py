"""One frame as a picture file, for pages."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from rushes.errors import MediaError
from rushes.media.opening import BITEXACT, map_errors

_CODECS = {"png": ("png", "rgb24"), "jpeg": ("mjpeg", "yuvj420p")}


def encode_image(frame: NDArray[np.uint8], format: str = "png", quality: int = 85) -> bytes:
    """Encode a frame.

    Args:
        frame: (H, W, 3) uint8 RGB.
        format: ``png`` (lossless) or ``jpeg``.
        quality: 1 to 100, of JPEG only.

    Raises:
        MediaError: another format, shape or dtype.
    """
    if format not in _CODECS:
        raise MediaError(f"unknown image format {format!r}", hint="use png or jpeg")
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
        raise MediaError(f"a frame is (H, W, 3) uint8, not {frame.shape} {frame.dtype}")
    codec, pix_fmt = _CODECS[format]
    with map_errors("cannot encode", f"a {format} image"):
        context = cast(av.VideoCodecContext, av.VideoCodecContext.create(codec, "w"))
        context.height, context.width = frame.shape[:2]
        context.pix_fmt, context.framerate = pix_fmt, Fraction(1)
        context.thread_count = 1
        context.flags |= BITEXACT
        if format == "jpeg":
            scale = str(_quantiser_of(quality))
            context.options = {"qmin": scale, "qmax": scale}
        picture = VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24")
        picture = picture.reformat(format=pix_fmt, threads=1)
        picture.pts = 0
        packets = [*context.encode(picture), *context.encode(None)]
    return b"".join(bytes(packet) for packet in packets)


def _quantiser_of(quality: int) -> int:
    """FFmpeg's scale for MJPEG runs from 31 (worst) to 2 (best)."""
    share = min(max(quality, 1), 100) / 100
    return round(31 - share * 29)
