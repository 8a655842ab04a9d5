"""What a media file says about itself, without decoding more than one frame."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from rushes.media.opening import map_errors, open_input


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """A picture stream.

    Args:
        width: pixels as shown, after ``rotation``.
        height: as ``width``.
        rate: frames a second, exact; 0 where the file does not say.
        duration_seconds: as declared; None where the file does not say.
        frames: as declared; None where the file does not say.
        rotation: degrees counter-clockwise by which the stored picture is turned to be shown.
    """

    codec: str
    pix_fmt: str
    width: int
    height: int
    rate: Fraction
    duration_seconds: float | None
    frames: int | None
    rotation: int

    @property
    def fps(self) -> float:
        """Frames a second."""
        return float(self.rate)


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """A sound stream; ``rate`` in samples a second, duration as declared."""

    codec: str
    sample_format: str
    rate: int
    channels: int
    duration_seconds: float | None


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a file declares: its first picture stream (cover art aside) and first sound stream."""

    path: str
    format: str
    duration_seconds: float | None
    video: VideoInfo | None
    audio: AudioInfo | None

    @property
    def width(self) -> int:
        """Width in pixels as shown, 0 without a picture."""
        return self.video.width if self.video else 0

    @property
    def height(self) -> int:
        """Height in pixels as shown, 0 without a picture."""
        return self.video.height if self.video else 0

    @property
    def fps(self) -> float:
        """Frames a second, 0 without a picture."""
        return self.video.fps if self.video else 0.0


def probe(path: str | Path) -> MediaInfo:
    """Read a file's declarations.

    Raises:
        MediaError: missing, empty, or not a media file.
    """
    with open_input(path) as container, map_errors("cannot read", path):
        return describe_container(container, str(path))


def describe_container(container: InputContainer, path: str) -> MediaInfo:
    """Describe an open file; its position is moved."""
    video, audio = pick_streams(container)
    duration = container.duration
    return MediaInfo(
        path=path,
        format=container.format.name,
        duration_seconds=None if duration is None else duration / av.time_base,
        video=None if video is None else _describe_video(container, video),
        audio=None if audio is None else _describe_audio(audio),
    )


def pick_streams(container: InputContainer) -> tuple[VideoStream | None, AudioStream | None]:
    """The first picture stream that is not cover art, and the first sound stream.

    A stream whose codec nobody knows, as in a damaged header, is as good as none.
    """
    known = [s for s in container.streams.video if s.codec_context is not None]
    videos = [s for s in known if not s.disposition & Disposition.attached_pic]
    audios = [s for s in container.streams.audio if s.codec_context is not None]
    return (videos[0] if videos else None), (audios[0] if audios else None)


def rate_of(stream: VideoStream) -> Fraction:
    """Frames a second of a stream, 0 where unknown."""
    return stream.average_rate or stream.guessed_rate or Fraction(0)


def count_frames(path: str | Path) -> int:
    """Count a file's video packets without decoding them; one packet is one frame in our clips.

    Raises:
        MediaError: not a media file, or without a picture.
    """
    with open_input(path) as container, map_errors("cannot read", path):
        video, _ = pick_streams(container)
        if video is None:
            return 0
        return sum(1 for packet in container.demux(video) if packet.size)


def ffmpeg_versions() -> dict[str, str]:
    """Versions of the FFmpeg libraries inside PyAV, for the toolchain record."""
    return {name: ".".join(map(str, v)) for name, v in av.library_versions.items()}


def _describe_video(container: InputContainer, stream: VideoStream) -> VideoInfo:
    rotation = _read_rotation(container, stream)
    context = stream.codec_context
    sides = (context.width, context.height)
    width, height = sides[::-1] if rotation % 180 else sides
    return VideoInfo(
        codec=context.name,
        pix_fmt=context.pix_fmt or "",
        width=width,
        height=height,
        rate=rate_of(stream),
        duration_seconds=_declared_seconds(stream),
        frames=stream.frames or None,
        rotation=rotation,
    )


def _describe_audio(stream: AudioStream) -> AudioInfo:
    context = stream.codec_context
    return AudioInfo(
        codec=context.name,
        sample_format=context.format.name if context.format else "",
        rate=context.sample_rate,
        channels=context.channels,
        duration_seconds=_declared_seconds(stream),
    )


def _read_rotation(container: InputContainer, stream: VideoStream) -> int:
    with contextlib.suppress(av.FFmpegError, StopIteration):
        return next(container.decode(stream)).rotation % 360
    return 0


def _declared_seconds(stream: VideoStream | AudioStream) -> float | None:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    tag = stream.metadata.get("DURATION", "")
    with contextlib.suppress(ValueError):
        hours, minutes, seconds = tag.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    return None
