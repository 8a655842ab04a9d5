"""Frames of what is still being made: a stream of the network, a device, a file that grows.

Decoding goes on for as long as frames come; a source that ends or stalls is an error that says so,
and whoever watches decides whether to open it again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
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

Stop = Callable[[], bool]


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
    source: str, patience_seconds: float, stop: Stop
) -> Iterator[tuple[float, Callable[[], NDArray[np.uint8]]]]:
    """(seconds, pixels) of every frame, as they come; seconds count from the first of them, and
    pixels, (H, W, 3) uint8 RGB, are converted when they are asked for.

    Args:
        source: an address of :data:`STREAMS`, a device below ``/dev/video``, or a file.
        patience_seconds: without a frame, after which the source is lost.
        stop: True ends it.

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
        yield from _decode(box, source, stop)
    finally:
        box.close()
        if file is not None:
            file.close()


def _decode(
    box: InputContainer, source: str, stop: Stop
) -> Iterator[tuple[float, Callable[[], NDArray[np.uint8]]]]:
    if not box.streams.video:
        raise MediaError(f"cannot watch {source}: there is no picture in it", where=source)
    stream, reformatter = box.streams.video[0], VideoReformatter()
    step, first, last = 1 / float(rate_of(stream) or 25), None, -1.0
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
                seconds = last + step if frame.pts is None else float(frame.pts * base)
                first = seconds if first is None else first
                last = seconds

                def convert(frame: Any = frame) -> NDArray[np.uint8]:
                    return convert_picture(frame, source, reformatter)

                yield seconds - first, convert
