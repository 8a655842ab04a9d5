"""Rolling windows over frames that keep coming, of which the oldest are dropped, and counted, when
nobody keeps up."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rushes.readers.base import Frames

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(slots=True)
class Windows:
    """What was seen of a stream, cut into windows that wait to be read.

    Args:
        seconds: of a window.
        every: seconds between the ends of two windows.
        fps: frames a second that are kept, at most.
        backlog: windows that wait, at most; one more drops the oldest.
    """

    source: str
    seconds: float
    every: float
    fps: float
    backlog: int = 2
    dropped: int = 0
    made: int = 0
    _frames: deque[tuple[float, NDArray[np.uint8]]] = field(default_factory=deque)
    _ready: deque[Frames] = field(default_factory=deque)
    _next_end: float | None = None
    _put_end: float = -1.0
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _closed: bool = False

    def wants(self, seconds: float) -> bool:
        """Whether a frame of that time is to be kept."""
        return not self._frames or seconds >= self._frames[-1][0] + 1 / self.fps - 1e-6

    def add(self, seconds: float, pixels: NDArray[np.uint8]) -> None:
        """Keep a frame; a window that it completes waits from now on. What lies before a gap that
        is longer than a window is a window by itself."""
        if self._frames and seconds - self._frames[-1][0] > self.seconds:
            self.restart()
        if self._frames and pixels.shape != self._frames[-1][1].shape:
            self._frames.clear()  # another size: frames of one window have one
        self._frames.append((seconds, pixels))
        if self._next_end is None or not self._frames:
            self._next_end = seconds + self.seconds
        while self._frames and self._frames[0][0] <= seconds - self.seconds + 1e-6:
            self._frames.popleft()
        if seconds >= self._next_end - 1 / self.fps:
            following = self._next_end + self.every
            self._next_end = following if following > seconds else seconds + self.every
            self._put()

    def restart(self) -> None:
        """Have what no window holds yet read by itself: what comes next does not follow on it."""
        self._flush()
        self._frames.clear()
        self._next_end, self._put_end = None, -1.0

    def close(self, flush: bool = True) -> None:
        """No more frames come.

        Args:
            flush: whether what is left, a window that is not full, is read too.
        """
        if flush:
            self._flush()
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self, timeout_seconds: float) -> Frames | None:
        """The oldest window that waits; None where none came in time, or none will."""
        with self._changed:
            if not self._ready and not self._closed:
                self._changed.wait(timeout_seconds)
            return self._ready.popleft() if self._ready else None

    @property
    def ended(self) -> bool:
        """Whether nothing waits, and nothing comes."""
        with self._changed:
            return self._closed and not self._ready

    def _flush(self) -> None:
        """Have what is in no window yet read too."""
        if self._frames and self._frames[-1][0] > self._put_end:
            self._put()

    def _put(self) -> None:
        times = tuple(seconds for seconds, _ in self._frames)
        self._put_end = times[-1]
        window = Frames(tuple(pixels for _, pixels in self._frames), times, self.source)
        with self._changed:
            self.made += 1
            self._ready.append(window)
            while len(self._ready) > self.backlog:
                self._ready.popleft()
                self.dropped += 1
            self._changed.notify_all()
