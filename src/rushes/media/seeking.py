"""Single frames out of a file of any length: what lies between two of them is jumped over.

A jump goes to the last key frame before what is wanted, and everything from there is decoded, so
that the frame is the one that decoding the whole file would have given. Where the next frame that
is wanted comes before the next key frame, decoding simply goes on. Memory does not grow with the
file's length.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from rushes.errors import MediaError
from rushes.media.opening import map_errors, open_input
from rushes.media.probing import pick_streams, rate_of
from rushes.media.reading import Damage, OnDamage, convert_picture

MAX_PIXELS = 2**26
"""A frame larger than 8192x8192 is refused: its RGB alone would be 201 MB."""

LATE_SECONDS = 1e-6
"""Times are fractions turned into floats."""

UNKNOWN_GAP_SECONDS = 10.0
"""Where a file lists no key frames: how far ahead a frame must lie to be jumped to, until two key
frames were met. x264's standard is a key frame every 250 frames, ten seconds at 25 a second."""


class Still:
    """A decoded frame that is turned into pixels only when it is kept."""

    __slots__ = ("_frame", "_path", "_reformatter", "seconds")

    def __init__(
        self, seconds: float, frame: VideoFrame, path: str, reformatter: VideoReformatter
    ) -> None:
        self.seconds = seconds
        self._frame, self._path, self._reformatter = frame, path, reformatter

    def read_pixels(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB, upright."""
        return convert_picture(self._frame, self._path, self._reformatter)

    def read_thumbnail(self, side: int) -> NDArray[np.uint8]:
        """(side, side, 3) uint8 RGB, as stored: not turned, and not in its proportions."""
        with map_errors("cannot convert a frame of", self._path):
            small = self._reformatter.reformat(
                self._frame, width=side, height=side, format="rgb24", threads=1
            )
            return np.asarray(small.to_ndarray(), dtype=np.uint8)


class FrameCursor:
    """A place in a file's picture that moves forward only; a context manager.

    Args:
        on_damage: told of what could not be decoded, which is then skipped; without it, damage
            raises.

    Raises:
        MediaError: not a media file, without a picture, or too large.
    """

    def __init__(self, path: str | Path, on_damage: OnDamage | None = None) -> None:
        self.path = str(path)
        self.jumps = 0
        self.decoded = 0
        self._on_damage = on_damage
        self._reformatter = VideoReformatter()
        self._container: InputContainer = open_input(path)
        try:
            video, _ = pick_streams(self._container)
            self._stream = _require_picture(video, self.path)
        except MediaError:
            self._container.close()
            raise
        self._origin = Fraction(self._container.start_time or 0, av.time_base)
        self._keys = _list_keys(self._stream, self._origin)
        self._gap = UNKNOWN_GAP_SECONDS
        self._last_key: float | None = None
        self._position = -1.0
        self._frame_seconds = float(1 / (rate_of(self._stream) or 25))
        self._jumping = True
        self._frames = self._decode(None)

    def __enter__(self) -> FrameCursor:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def find_next(self, seconds: float) -> Still | None:
        """The first frame after the last one given that is shown at ``seconds`` or later.

        None at the file's end.

        Raises:
            MediaError: the file is damaged there, and nobody listens to damage.
        """
        if self._is_worth_a_jump(seconds):
            self._jump(seconds)
        given = self._position
        for still in self._frames:
            if still.seconds > given and still.seconds >= seconds - LATE_SECONDS:
                self._position = still.seconds
                return still
            self._position = max(self._position, still.seconds)
        return None

    def _is_worth_a_jump(self, seconds: float) -> bool:
        if not self._jumping or seconds <= self._position:
            return False
        if self._keys:
            last = bisect.bisect_right(self._keys, seconds) - 1
            return last >= 0 and self._keys[last] > self._position + self._frame_seconds
        return seconds - self._position > self._gap

    def _jump(self, seconds: float) -> None:
        """To a key frame at or before ``seconds``; further back until there is one."""
        base = self._stream.time_base
        assert base is not None
        back = 0.0
        while back <= seconds:
            offset = int((Fraction(seconds - back) + self._origin) / base)
            try:
                self._container.seek(offset, stream=self._stream)
            except (av.FFmpegError, OSError, OverflowError):
                break
            self.jumps += 1
            packet = self._find_key()
            key = None if packet is None else self._packet_seconds(packet)
            if key is not None and key <= seconds + LATE_SECONDS:
                if key <= self._position:  # a jump that led nowhere: the next one is further
                    self._gap = 2 * (seconds - key)
                self._frames = self._decode(packet)
                return
            back = max(2 * back, self._gap)
        self._restart()

    def _restart(self) -> None:
        """From the file's beginning, and no more jumps: it cannot be searched."""
        self._jumping = False
        self._container.close()
        self._container = open_input(self.path)
        self._stream = _require_picture(pick_streams(self._container)[0], self.path)
        self._frames = self._decode(None)

    def _find_key(self) -> Packet[VideoStream] | None:
        try:
            for packet in self._container.demux(self._stream):
                if packet.is_keyframe and packet.pts is not None:
                    return packet
        except (av.FFmpegError, OSError):
            return None
        return None

    def _packet_seconds(self, packet: Packet[VideoStream]) -> float:
        base = packet.time_base or self._stream.time_base
        assert packet.pts is not None
        assert base is not None
        return float(packet.pts * base - self._origin)

    def _decode(self, first: Packet[VideoStream] | None) -> Iterator[Still]:
        """Frames from here on; after a jump none that is shown before its key frame."""
        begin = None if first is None else self._packet_seconds(first)
        following = -1.0
        for packet in self._list_packets(first):
            if packet.is_keyframe and packet.pts is not None:
                self._note_key(self._packet_seconds(packet))
            try:
                frames = packet.decode()
            except (av.FFmpegError, OSError) as exc:
                self._report("a packet could not be decoded", exc)
                continue
            for frame in frames:
                if frame.pts is None:
                    self._jumping = False
                    seconds = following + self._frame_seconds if following >= 0 else 0.0
                else:
                    base = frame.time_base or self._stream.time_base or Fraction(1, 90_000)
                    seconds = float(frame.pts * base - self._origin)
                following = seconds
                if begin is not None and seconds < begin - LATE_SECONDS:
                    continue
                if frame.width * frame.height > MAX_PIXELS:
                    raise _too_large(self.path, frame.width, frame.height)
                if frame.is_corrupt:
                    self._report("a frame was decoded in part", None)
                self.decoded += 1
                yield Still(seconds, frame, self.path, self._reformatter)

    def _list_packets(self, first: Packet[VideoStream] | None) -> Iterator[Packet[VideoStream]]:
        if first is not None:
            yield first
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (av.FFmpegError, OSError) as exc:
                self._report("reading stopped", exc)
                return
            if packet.is_corrupt:
                self._report("the file is cut short", None)
            yield packet

    def _note_key(self, seconds: float) -> None:
        if self._last_key is not None and seconds > self._last_key:
            self._gap = seconds - self._last_key
        self._last_key = seconds

    def _report(self, reason: str, exc: Exception | None) -> None:
        seconds = max(self._position, 0.0)
        if self._on_damage is not None:
            self._on_damage(Damage(seconds, "video", reason))
            return
        raise MediaError(
            f"{self.path} is damaged at about {seconds:.2f} s (video): {reason}",
            where=self.path,
            hint="make or download it again",
        ) from exc


def _require_picture(stream: VideoStream | None, path: str) -> VideoStream:
    if stream is None:
        raise MediaError(f"cannot read {path}: there is no picture in it", where=path)
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > MAX_PIXELS:
        raise _too_large(path, width, height)
    stream.thread_type = "AUTO"
    return stream


def _too_large(path: str, width: int, height: int) -> MediaError:
    return MediaError(
        f"cannot read {path}: its picture of {width}x{height} is larger than {MAX_PIXELS:,} pixels",
        where=path,
        hint="scale it down first",
    )


def _list_keys(stream: VideoStream, origin: Fraction) -> list[float]:
    """Seconds of the key frames, sorted; empty where the file's index does not list every frame.

    An index holds times of decoding, a little before those of showing: good enough to decide
    whether to jump, and a jump is checked against the key frame's own time.
    """
    base, entries = stream.time_base, stream.index_entries
    if base is None or not stream.frames or len(entries) < stream.frames:
        return []
    return sorted(float(e.timestamp * base - origin) for e in entries if e.is_keyframe)
