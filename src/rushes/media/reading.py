"""Decoding as a stream: frames and sound with the times at which they are shown and heard.

Nothing is kept: memory does not grow with a file's length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from rushes.errors import MediaError
from rushes.media.opening import map_errors, open_input
from rushes.media.probing import pick_streams, rate_of

LOUDEST = 100.0
"""Samples of floating-point sound beyond this (40 dB over full scale), or that are no numbers, are
damage: refused, or, where damage is told and lived with, made quiet."""
FULL_SCALE = {"u8": 2.0**7, "s16": 2.0**15, "s32": 2.0**31, "s64": 2.0**63}
"""What an integer sample is divided by, so that full scale is 1 (libavutil/samplefmt.h)."""


@dataclass(frozen=True, slots=True)
class FrameItem:
    """A frame shown at ``seconds``: ``pixels`` (H, W, 3) uint8 RGB, turned upright."""

    seconds: float
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class SoundItem:
    """A block of sound from ``seconds`` on: ``samples`` (n, channels) float32, full scale ±1."""

    seconds: float
    samples: NDArray[np.float32]
    rate: int


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that could not be decoded whole, at about ``seconds``."""

    seconds: float
    stream: str
    reason: str


OnDamage = Callable[[Damage], None]


def read_frames(path: str | Path) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Decode the picture: ``(seconds, (H, W, 3) uint8 RGB)``, upright.

    Seconds are presentation times counted from the file's start, as they are: frames of variable
    rate keep their distances.

    Raises:
        MediaError: not a media file, without a picture, or damaged.
    """
    for item in _read(path, video=True, audio=False, on_damage=None):
        if isinstance(item, FrameItem):
            yield item.seconds, item.pixels


def read_audio(path: str | Path) -> Iterator[tuple[float, NDArray[np.float32], int]]:
    """Decode the sound: ``(seconds, (n, channels) float32 with full scale ±1, rate)``.

    Raises:
        MediaError: not a media file, without sound, or damaged.
    """
    for item in _read(path, video=False, audio=True, on_damage=None):
        if isinstance(item, SoundItem):
            yield item.seconds, item.samples, item.rate


def read_both(
    path: str | Path, on_damage: OnDamage | None = None
) -> Iterator[FrameItem | SoundItem]:
    """Decode picture and sound in one pass, in file order; each kind is in order of its time.

    Args:
        on_damage: told of what could not be decoded, which is then skipped; without it, damage
            raises.

    Raises:
        MediaError: not a media file, or damaged and ``on_damage`` is None.
    """
    return _read(path, video=True, audio=True, on_damage=on_damage)


def _read(
    path: str | Path, *, video: bool, audio: bool, on_damage: OnDamage | None
) -> Iterator[FrameItem | SoundItem]:
    with open_input(path) as container:
        picture, sound = pick_streams(container)
        streams: list[Stream] = []
        if video and picture is not None:
            picture.thread_type = "AUTO"
            streams.append(picture)
        if audio and sound is not None:
            streams.append(sound)
        if not streams:
            kind = "picture" if video else "sound"
            raise MediaError(f"cannot read {path}: there is no {kind} in it", where=str(path))
        origin = (container.start_time or 0) / av.time_base
        frame_seconds = float(1 / (rate_of(picture) or 25)) if picture is not None else 0.0
        decoder = _Decoder(str(path), origin, frame_seconds, on_damage)
        for packet in _demux(container, streams, decoder):
            yield from decoder.decode(packet)


def _demux(
    container: InputContainer, streams: list[Stream], decoder: _Decoder
) -> Iterator[Packet[Stream]]:
    packets = container.demux(*streams)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except (av.FFmpegError, OSError) as exc:
            decoder.report("file", "reading stopped", exc)
            return
        if packet.is_corrupt:
            decoder.report(packet.stream.type, "the file is cut short")
        yield packet


class _Decoder:
    """Turns packets into items, and remembers where the clip is for the sake of messages."""

    def __init__(
        self, path: str, origin: float, frame_seconds: float, on_damage: OnDamage | None
    ) -> None:
        self._path = path
        self._origin = origin
        self._frame_seconds = frame_seconds
        self._on_damage = on_damage
        self._next = {"video": 0.0, "audio": 0.0}
        self._reformatter = VideoReformatter()

    def report(self, stream: str, reason: str, exc: Exception | None = None) -> None:
        seconds = self._next.get(stream, max(self._next.values()))
        if self._on_damage is not None:
            self._on_damage(Damage(seconds, stream, reason))
            return
        message = f"{self._path} is damaged at about {seconds:.2f} s ({stream}): {reason}"
        hint = "make or download it again"
        raise MediaError(message, where=self._path, hint=hint) from exc

    def decode(self, packet: Packet[Stream]) -> Iterator[FrameItem | SoundItem]:
        try:
            frames = packet.decode()
        except (av.FFmpegError, OSError) as exc:
            self.report(packet.stream.type, "a packet could not be decoded", exc)
            return
        for frame in frames:
            if isinstance(frame, VideoFrame):
                yield self._picture(frame)
            elif isinstance(frame, AudioFrame):
                yield self._sound(frame)

    def _picture(self, frame: VideoFrame) -> FrameItem:
        seconds = self._time_of(frame, "video")
        self._next["video"] = seconds + self._frame_seconds
        if frame.is_corrupt:
            self.report("video", "a frame was decoded in part")
        return FrameItem(seconds, convert_picture(frame, self._path, self._reformatter))

    def _sound(self, frame: AudioFrame) -> SoundItem:
        seconds = self._time_of(frame, "audio")
        self._next["audio"] = seconds + frame.samples / frame.sample_rate
        if frame.is_corrupt:
            self.report("audio", "a block was decoded in part")
        samples = _float_samples(frame)
        if not bool((np.abs(samples) <= LOUDEST).all()):  # false for what is no number, too
            self.report("audio", "samples that are no numbers, or far beyond full scale")
            samples = np.clip(np.nan_to_num(samples), -LOUDEST, LOUDEST)
        return SoundItem(seconds, samples, frame.sample_rate)

    def _time_of(self, frame: VideoFrame | AudioFrame, kind: str) -> float:
        if frame.pts is None or frame.time_base is None:
            return self._next[kind]
        return float(Fraction(frame.pts) * frame.time_base) - self._origin


def convert_picture(
    frame: VideoFrame, path: str, reformatter: VideoReformatter
) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB, upright."""
    with map_errors("cannot convert a frame of", path):
        turns = frame.rotation // 90
        rgb = reformatter.reformat(frame, format="rgb24", threads=1).to_ndarray()
        pixels = np.asarray(rgb, dtype=np.uint8)
        return np.ascontiguousarray(np.rot90(pixels, turns))


def _float_samples(frame: AudioFrame) -> NDArray[np.float32]:
    """Samples of any format as (n, channels) float32, full scale ±1."""
    channels = frame.layout.nb_channels
    raw = frame.to_ndarray()
    samples = raw.T if frame.format.is_planar else raw.reshape(-1, channels)
    kind = frame.format.name.removesuffix("p")
    if kind in FULL_SCALE:
        bias = 128.0 if kind == "u8" else 0.0
        samples = (samples.astype(np.float64) - bias) / FULL_SCALE[kind]
    return np.ascontiguousarray(samples, dtype=np.float32)


def read_audio_at(path: str | Path, rate: int, channels: int) -> Iterator[NDArray[np.float32]]:
    """Decode the sound at a given rate: blocks (n, channels) float32, full scale ±1.

    Args:
        rate: samples a second; resampled by FFmpeg.
        channels: 1 or 2; mixed by FFmpeg where the file has others.

    Raises:
        MediaError: not a media file, without sound, or damaged.
    """
    resampler = AudioResampler(
        format="flt", layout="mono" if channels == 1 else "stereo", rate=rate
    )
    for item in _read(path, video=False, audio=True, on_damage=None):
        assert isinstance(item, SoundItem)
        packed = np.ascontiguousarray(item.samples.reshape(1, -1))
        layout = {1: "mono", 2: "stereo"}.get(item.samples.shape[1], f"{item.samples.shape[1]}c")
        frame = AudioFrame.from_ndarray(packed, format="flt", layout=layout)
        frame.sample_rate = item.rate
        yield from (_float_samples(made) for made in resampler.resample(frame))
    yield from (_float_samples(made) for made in resampler.resample(None))
