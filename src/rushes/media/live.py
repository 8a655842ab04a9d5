"""Frames of what is still being made: a stream of the network, a device, a file that grows.

Decoding goes on for as long as frames come; a source that ends or stalls is an error that says so,
and whoever watches decides whether to open it again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
from av.container import InputContainer
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from rushes.errors import MediaError
from rushes.media.opening import map_errors
from rushes.media.probing import rate_of
from rushes.media.reading import convert_picture

POLL_SECONDS = 0.1
STREAMS = {
    "http": "http,tcp",
    "https": "https,tls,tcp",
    "rtsp": "rtsp,rtp,udp,tcp",
    "rtsps": "rtsp,rtp,tls,udp,tcp",
}
"""Protocols that FFmpeg may speak for an address; a playlist's other addresses and local files are
not among them, so that a server cannot have anything else read."""
FORMATS = (
    "mpegts,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,flv,mpjpeg,mjpeg,h264,hevc,obu,ivf,ogg,avi,rtsp"
)
"""Of which none names other files or addresses, as playlists do (HLS, DASH, concat, SDP)."""
DIRECT = {"max_redirects": "0", "http_proxy": ""}
"""Nobody but the address is asked: no redirects, no proxy of the environment."""
DEVICES = "/dev/video"
LONG_GAP_SECONDS = 10.0
"""From frame to frame; more is a clock that was set ahead, or a file's gap."""
TOLD_SECONDS = 0.5
"""A clock that goes back by less is put right without a word."""

Stop = Callable[[], bool]
TellJump = Callable[[float], None]
"""Is given the seconds by which a source's times jump, negative where they go back."""
Pixels = Callable[[], NDArray[np.uint8]]
"""Converts a frame when it is asked for: (H, W, 3) uint8 RGB."""


@dataclass(slots=True)
class SteadyClock:
    """Seconds of frames that count from the first and never go back, whatever the source's clock
    does: cameras set theirs, start anew, or count over.

    After a jump of a live source the next frame comes as much later as passed here, at least one
    frame. A file that is read may be read faster than it was made: its gaps stay as it says.

    Args:
        step: seconds from frame to frame.
    """

    step: float
    live: bool
    tell_jump: TellJump
    now: Callable[[], float] = time.monotonic
    _shift: float | None = None
    _last: float | None = None
    _came: float = 0.0

    def read(self, said: float | None) -> float:
        """The seconds of the next frame, whose own time is ``said``; None where it has none."""
        came, self._came = self._came, self.now()
        due = 0.0 if self._last is None else self._last + self.step
        if said is None:
            self._last = due
            return due
        if self._shift is None or self._last is None:
            self._shift = due - said
        seconds = said + self._shift
        ahead = 0.0 if self._last is None else seconds - self._last
        if not 0 <= ahead <= LONG_GAP_SECONDS:
            if abs(ahead) >= TOLD_SECONDS:
                self.tell_jump(ahead)
            if self.live or ahead < 0:
                passed = self._came - came if self.live else 0.0
                seconds = max(due, due - self.step + passed)
                self._shift = seconds - said
        self._last = seconds
        return seconds


class GrowingFile:
    """A file that is read as it grows; its end is where nothing was added for a while.

    Args:
        idle_seconds: without growth, after which it has ended.
        stop: asked while it waits.
    """

    def __init__(self, path: Path, idle_seconds: float, stop: Stop) -> None:
        self.name = str(path)
        self._file: BinaryIO = path.open("rb")
        self._idle, self._stop = idle_seconds, stop

    def read(self, size: int) -> bytes:
        """The next bytes, waited for; none at the end."""
        until = time.monotonic() + self._idle
        while not (block := self._file.read(size)):
            if self._stop() or time.monotonic() > until:
                return b""
            time.sleep(POLL_SECONDS)
        return block

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_live(
    source: str, patience_seconds: float, stop: Stop, tell_jump: TellJump = lambda seconds: None
) -> Iterator[tuple[float, Pixels]]:
    """(seconds, pixels) of every frame, as they come; seconds are those of a :class:`SteadyClock`.

    Args:
        source: an address of :data:`STREAMS`, a device below ``/dev/video``, or a file.
        patience_seconds: without a frame, after which the source is lost.
        stop: True ends it.
        tell_jump: is told when the source's times go back, or far ahead; frames go on.

    Raises:
        MediaError: it cannot be opened, has no picture, or its reading failed.
    """
    file: GrowingFile | None = None
    scheme = source.partition("://")[0] if "://" in source else ""
    options: dict[str, Any] = {}
    with map_errors("cannot watch", source):
        if scheme in STREAMS:
            options = {"protocol_whitelist": STREAMS[scheme], "format_whitelist": FORMATS}
            if scheme.startswith("http"):
                options |= DIRECT
            if scheme.startswith("rtsp"):
                options["rtsp_transport"] = "tcp"
            box = av.open(source, "r", options=options, timeout=(patience_seconds,) * 2)
        elif source.startswith(DEVICES):
            box = av.open(source, "r", format="v4l2", timeout=(patience_seconds,) * 2)
        else:
            file = GrowingFile(Path(source), patience_seconds, stop)
            box = av.open(file, "r", options={"format_whitelist": FORMATS})
    try:
        yield from _decode(box, source, stop, live=file is None, tell_jump=tell_jump)
    finally:
        box.close()
        if file is not None:
            file.close()


def _decode(
    box: InputContainer, source: str, stop: Stop, *, live: bool, tell_jump: TellJump
) -> Iterator[tuple[float, Pixels]]:
    if not box.streams.video:
        raise MediaError(f"cannot watch {source}: there is no picture in it", where=source)
    stream, reformatter = box.streams.video[0], VideoReformatter()
    clock = SteadyClock(1 / float(rate_of(stream) or 25), live, tell_jump)
    with map_errors("cannot watch", source):
        for packet in box.demux(stream):
            if stop():
                return
            try:
                frames = packet.decode()
            except av.InvalidDataError:
                continue  # a stream that is joined in the middle begins with what cannot be decoded
            for frame in frames:
                base = frame.time_base or Fraction(1, 90_000)
                seconds = clock.read(None if frame.pts is None else float(frame.pts * base))

                def convert(frame: Any = frame) -> NDArray[np.uint8]:
                    return convert_picture(frame, source, reformatter)

                yield seconds, convert
