"""Encoding for people: MP4, MOV, WebM and Matroska whose bytes are the same every time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import (
    ColorPrimaries,
    ColorRange,
    Colorspace,
    ColorTrc,
    Interpolation,
    VideoReformatter,
)
from av.video.stream import VideoStream
from numpy.typing import NDArray

from rushes.errors import MediaError
from rushes.media.encoders import (
    AUDIO_ENCODERS,
    AUDIO_RATES,
    ENCODERS,
    H265_MIN_SIDE,
    MUXERS,
    encoder_options,
)
from rushes.media.formats import ExportFormat
from rushes.media.opening import BITEXACT, map_errors
from rushes.media.probing import probe
from rushes.media.reading import read_audio, read_frames
from rushes.media.writing import LAYOUTS, make_audio_frame

SCALING = (
    Interpolation.BICUBIC
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.ACCURATE_RND
    | Interpolation.BITEXACT
)
"""RGB to 4:2:0 with every chroma sample averaged, the same on every processor."""


def export_clip(video: Path, audio: Path | None, to: Path, fmt: ExportFormat) -> None:
    """Encode a clip from its lossless parts; the picture decides how long it is.

    Frames are spaced evenly at the video's rate. Sound is cut, or filled with silence, to end with
    the picture, so that the declared durations agree within one frame. ``to`` appears when whole.

    Raises:
        MediaError: a part cannot be read, its size is odd, or the file cannot be written.
        StoreFull: no space is left.
    """
    info = probe(video).video
    if info is None:
        raise MediaError(f"cannot export {video}: there is no picture in it", where=str(video))
    if not info.rate:
        raise MediaError(f"cannot export {video}: its frame rate is unknown", where=str(video))
    frames = (frame for _, frame in read_frames(video))
    if audio is None:
        encode_clip(frames, info.rate, None, 0, to, fmt)
        return
    sound = probe(audio).audio
    if sound is None:
        raise MediaError(f"cannot export {audio}: there is no sound in it", where=str(audio))
    blocks = (samples for _, samples, _ in read_audio(audio))
    encode_clip(frames, info.rate, blocks, sound.rate, to, fmt)


def encode_clip(
    frames: Iterable[NDArray[np.uint8]],
    fps: Fraction,
    sound: Iterable[NDArray[np.float32]] | None,
    rate: int,
    to: Path,
    fmt: ExportFormat,
) -> None:
    """Encode frames and sound as they come, without keeping them.

    Args:
        frames: (H, W, 3) uint8 RGB, all of one even size.
        sound: blocks of (n, channels) float32, full scale ±1; None for a silent film.
        rate: samples a second of ``sound``.

    Raises:
        MediaError: no frame, an odd size, or the file cannot be written.
        StoreFull: no space is left.
    """
    pictures = iter(frames)
    first = next(pictures, None)
    if first is None:
        raise MediaError(f"cannot write {to}: no frame was given", where=str(to))
    height, width = first.shape[:2]
    _require_size(to, fmt, width, height)
    queue = None if sound is None else SampleQueue(sound)
    with _open_output(to, fmt) as container:
        picture = _add_video(container, fmt, width, height, fps)
        track = None if queue is None else _add_audio(container, fmt, queue.channels, rate)
        reformatter, written = VideoReformatter(), 0
        for index, frame in enumerate(chain([first], pictures)):
            container.mux(picture.encode(_to_yuv(reformatter, frame, index, fps)))
            if queue is None or track is None:
                continue
            end = round((index + 1) * rate / fps)
            block = make_audio_frame(queue.take(end - written), rate, written)
            container.mux(track.encode(block))
            written = end
        container.mux(picture.encode())
        if track is not None:
            container.mux(track.encode())


class SampleQueue:
    """Hands out sound in blocks of the wanted length, and silence after its end.

    Args:
        blocks: (n, channels) float32; holds one of them at a time.
    """

    def __init__(self, blocks: Iterable[NDArray[np.float32]]) -> None:
        self._blocks = iter(blocks)
        self._rest = next(self._blocks, np.zeros((0, 1), np.float32))
        self.channels = self._rest.shape[1]

    def take(self, count: int) -> NDArray[np.float32]:
        """The next ``count`` samples, (count, channels) float32."""
        pieces: list[NDArray[np.float32]] = []
        missing = count
        while missing > 0:
            if not len(self._rest):
                silence = np.zeros((missing, self.channels), np.float32)
                self._rest = next(self._blocks, silence)
                continue
            pieces.append(self._rest[:missing])
            self._rest = self._rest[missing:]
            missing -= len(pieces[-1])
        return np.concatenate(pieces) if pieces else np.zeros((0, self.channels), np.float32)


def _require_size(to: Path, fmt: ExportFormat, width: int, height: int) -> None:
    if width % 2 or height % 2:
        raise MediaError(
            f"cannot write {to}: {width}x{height} is odd, and 4:2:0 video needs even sides",
            where=str(to),
            hint=f"make the clip at {width + width % 2}x{height + height % 2}",
        )
    if fmt.video_codec == "h265" and min(width, height) < H265_MIN_SIDE:
        raise MediaError(
            f"cannot write {to}: {width}x{height} is too small for h265",
            where=str(to),
            hint=f"use h264, or sides of at least {H265_MIN_SIDE}",
        )


@contextmanager
def _open_output(to: Path, fmt: ExportFormat) -> Iterator[OutputContainer]:
    """An output beside ``to`` that takes its name when it is whole, and is removed otherwise."""
    to = Path(to)
    partial = to.with_name(f".{to.name}.{os.getpid()}.part")
    options = {"fflags": "+bitexact"}
    if fmt.container in ("mp4", "mov"):
        options["movflags"] = "+faststart"
    try:
        with map_errors("cannot write", to):
            with av.open(f"file:{partial}", "w", MUXERS[fmt.container], options) as container:
                yield container
            partial.replace(to)
    finally:
        partial.unlink(missing_ok=True)


def _add_video(
    container: OutputContainer, fmt: ExportFormat, width: int, height: int, fps: Fraction
) -> VideoStream:
    options = encoder_options(fmt, min(width, height))
    stream = container.add_stream(ENCODERS[fmt.video_codec], rate=fps, options=options)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    context = stream.codec_context
    context.thread_count = 1
    context.flags |= BITEXACT
    context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
    context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    if fmt.video_codec == "h265" and fmt.container in ("mp4", "mov"):
        context.codec_tag = "hvc1"
    return stream


def _add_audio(
    container: OutputContainer, fmt: ExportFormat, channels: int, rate: int
) -> AudioStream:
    if rate not in AUDIO_RATES[fmt.audio_codec]:
        rate = 48000
    stream = container.add_stream(
        AUDIO_ENCODERS[fmt.audio_codec], rate=rate, layout=LAYOUTS[channels]
    )
    assert isinstance(stream, AudioStream)
    context = stream.codec_context
    context.bit_rate = fmt.audio_kbps * 1000
    context.thread_count = 1
    context.flags |= BITEXACT
    return stream


def _to_yuv(
    reformatter: VideoReformatter, frame: NDArray[np.uint8], index: int, fps: Fraction
) -> VideoFrame:
    picture = VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24")
    picture = reformatter.reformat(
        picture,
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
        interpolation=SCALING,
        threads=1,
    )
    picture.pts, picture.time_base = index, 1 / fps
    return picture
