"""Lossless intermediates: FFV1 in Matroska for frames, 32-bit float WAV for sound.

The same input gives the same bytes: no dates, no random identifiers, one thread.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container import OutputContainer
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from rushes.errors import MediaError
from rushes.media.opening import BITEXACT, map_errors, name_of

FFV1_OPTIONS = {
    "level": "3",
    "coder": "1",
    "context": "0",
    "g": "1",
    "slicecrc": "1",
}
"""Version 3 (RFC 9043): range coder, every frame on its own, a checksum a slice."""

SLICED_SIDE = 64
"""Frames with both sides this long are cut into four slices, which decode at the same time."""

LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""Channel layouts by number of channels (libavutil/channel_layout.h)."""

MAX_DENOMINATOR = 1001
"""Broadcast rates are n x 1000/1001; no rate in use needs a larger denominator."""

Target = str | Path | BinaryIO


def frame_rate(fps: float) -> Fraction:
    """The exact rate meant by a decimal one: 16.0 is 16, 23.976 and 23.98 are 24000/1001.

    Raises:
        MediaError: not above 0 and finite.
    """
    if not (math.isfinite(fps) and fps > 0):
        raise MediaError(f"{fps} is not a frame rate", hint="give frames a second, above 0")
    whole = math.ceil(fps)
    if fps != whole and abs(whole * 1000 / 1001 - fps) < 0.01:
        return Fraction(whole * 1000, 1001)
    return Fraction(fps).limit_denominator(MAX_DENOMINATOR)


class _Writer(ABC):
    """An output container that is closed once, and whose errors are ours."""

    def __init__(self, to: Target, container_format: str, options: dict[str, str]) -> None:
        self.name = name_of(to)
        file = f"file:{to}" if isinstance(to, (str, Path)) else to
        with map_errors("cannot write", self.name):
            self._container: OutputContainer = av.open(
                file, "w", format=container_format, options={"fflags": "+bitexact", **options}
            )
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        elif not self._closed:
            self._closed = True
            try:
                self._container.close()
            except (av.FFmpegError, OSError, ValueError):
                return

    def close(self) -> None:
        """Flush and close; a second call does nothing.

        Raises:
            MediaError: nothing was written, or the file cannot be.
            StoreFull: no space is left.
        """
        if self._closed:
            return
        self._closed = True
        with map_errors("cannot write", self.name):
            try:
                self._flush()
            finally:
                self._container.close()

    @abstractmethod
    def _flush(self) -> None:
        """Write what the encoder still holds."""


class FrameWriter(_Writer):
    """Writes frames so that they read back bit for bit (FFV1 in Matroska).

    Args:
        to: a path, or a seekable binary file.
        fps: frames a second.
    """

    def __init__(self, to: Target, width: int, height: int, fps: Fraction | int) -> None:
        super().__init__(to, "matroska", {})
        self._shape = (height, width, 3)
        self._step = 1 / Fraction(fps)
        self.frames = 0
        with map_errors("cannot write", self.name):
            slices = "4" if min(width, height) >= SLICED_SIDE else "1"
            options = {**FFV1_OPTIONS, "slices": slices}
            stream = self._container.add_stream("ffv1", rate=Fraction(fps), options=options)
            stream.width, stream.height, stream.pix_fmt = width, height, "bgr0"
            stream.codec_context.thread_count = 1
            stream.codec_context.flags |= BITEXACT
            self._container.start_encoding()
        self._stream = stream

    def write(self, frame: NDArray[np.uint8]) -> None:
        """Append a frame: (H, W, 3) uint8 RGB.

        Raises:
            MediaError: another shape or dtype, or the file cannot be written.
            StoreFull: no space is left.
        """
        if frame.shape != self._shape or frame.dtype != np.uint8:
            raise MediaError(
                f"frame {self.frames} is {frame.shape} {frame.dtype}, not {self._shape} uint8",
                where=self.name,
            )
        with map_errors("cannot write", self.name):
            picture = VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24")
            picture = picture.reformat(format="bgr0", threads=1)
            picture.pts, picture.time_base = self.frames, self._step
            self._container.mux(self._stream.encode(picture))
        self.frames += 1

    def _flush(self) -> None:
        if not self.frames:
            raise MediaError(f"cannot write {self.name}: no frame was given", where=self.name)
        self._container.mux(self._stream.encode())


class AudioWriter(_Writer):
    """Writes samples so that they read back bit for bit (32-bit float WAV).

    Args:
        to: a path, or a seekable binary file.
        rate: samples a second.
        channels: 1 to 8.
    """

    def __init__(self, to: Target, rate: int, channels: int) -> None:
        if channels not in LAYOUTS:
            raise MediaError(f"{channels} channels of sound are not 1 to 8", where=name_of(to))
        super().__init__(to, "wav", {"rf64": "auto"})
        self._layout, self._rate, self._channels = LAYOUTS[channels], rate, channels
        self.samples = 0
        with map_errors("cannot write", self.name):
            stream = self._container.add_stream("pcm_f32le", rate=rate, layout=self._layout)
            stream.codec_context.flags |= BITEXACT
            self._container.start_encoding()
        self._stream = stream

    def write(self, samples: NDArray[np.float32]) -> None:
        """Append samples: (n, channels) float32, full scale ±1; values beyond it are kept.

        Raises:
            MediaError: another shape or dtype, or the file cannot be written.
            StoreFull: no space is left.
        """
        if samples.ndim != 2 or samples.shape[1] != self._channels or samples.dtype != np.float32:
            raise MediaError(
                f"samples are {samples.shape} {samples.dtype}, not (n, {self._channels}) float32",
                where=self.name,
            )
        if not len(samples):
            return
        with map_errors("cannot write", self.name):
            block = make_audio_frame(samples, self._rate, self.samples)
            self._container.mux(self._stream.encode(block))
        self.samples += len(samples)

    def _flush(self) -> None:
        self._container.mux(self._stream.encode())


def make_audio_frame(samples: NDArray[np.float32], rate: int, position: int) -> AudioFrame:
    """Wrap (n, channels) float32 samples that start at sample ``position``."""
    flat = np.ascontiguousarray(samples).reshape(1, -1)
    frame = AudioFrame.from_ndarray(flat, "flt", LAYOUTS[samples.shape[1]])
    frame.sample_rate, frame.pts, frame.time_base = rate, position, Fraction(1, rate)
    return frame
