"""A live stream, watched by a reader: one thread decodes, another asks about window after window.

Nothing of a stream is kept on the disk. Where the reader is slower than the stream, windows are
dropped, oldest first, and counted: what is told is about now, and memory is bounded.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rushes.errors import MediaError, RushesError, ServerError
from rushes.readers.base import Answer, Frames, LoadedReader
from rushes.readers.http import choose_pause
from rushes.readers.rolling import Windows
from rushes.readers.shrinking import shrink_to
from rushes.readers.words import says_unknown, says_yes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TAKE_SECONDS = 0.2
LOST_AFTER_SECONDS = 10.0
QUIET_SECONDS = 60.0
"""Of further jumps of a source's clock, after one was told."""

Tell = Callable[[str], None]
"""Is given a line for a person."""


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """How a stream is watched.

    Args:
        seconds: of a window.
        every: seconds from one window to the next.
        reconnects: how often in a row a source that is lost is opened again.
        limit_seconds: after which watching ends by itself; None for never.
        patience_seconds: without a frame, after which a source is lost.
    """

    source: str
    event: str
    seconds: float = 8.0
    every: float = 8.0
    reconnects: int = 10
    limit_seconds: float | None = None
    patience_seconds: float = LOST_AFTER_SECONDS

    @property
    def question(self) -> str:
        """What is asked about every window."""
        said = self.event.strip()
        return said if said.endswith("?") else f"is it true that {said}?"


@dataclass(frozen=True, slots=True)
class Seen:
    """One window, and whether the event is in it.

    Args:
        behind_seconds: from the window's end to its answer.
        dropped: windows that were dropped before it, since the last one.
        error: why there is no answer.
    """

    source: str
    event: str
    seen: bool
    unknown: bool
    start_seconds: float
    end_seconds: float
    at: str
    answer: str
    frames: tuple[float, ...]
    model: str
    behind_seconds: float
    dropped: int
    error: str = ""

    def to_dict(self) -> dict[str, object]:
        """One line of JSON."""
        return {
            "event": self.event, "seen": self.seen, "unknown": self.unknown,
            "start_seconds": self.start_seconds, "end_seconds": self.end_seconds, "at": self.at,
            "answer": self.answer, "frames": list(self.frames), "model": self.model,
            "source": self.source, "behind_seconds": round(self.behind_seconds, 3),
            "dropped_windows": self.dropped, **({"error": self.error} if self.error else {}),
        }  # fmt: skip


@dataclass(slots=True)
class Watch:
    """A watch that runs; see :func:`open_watch`."""

    settings: WatchSettings
    reader: LoadedReader
    windows: Windows
    tell: Tell
    fault: RushesError | None = None
    frames: int = 0
    jumps: int = 0
    _told_jump: float | None = None
    _stopped: threading.Event = field(default_factory=threading.Event)
    _begun: float = field(default_factory=time.monotonic)

    def stop(self) -> None:
        """Have the decoding end."""
        self._stopped.set()

    def _is_over(self) -> bool:
        limit = self.settings.limit_seconds
        late = limit is not None and time.monotonic() - self._begun > limit
        return late or self._stopped.is_set()

    def decode(self) -> None:
        """The first thread: frames into windows, until it is stopped or the source is lost."""
        failures = 0
        try:
            while not self._is_over():
                before = self.frames
                problem = self._decode_once()
                if self._is_over():
                    break
                failures = 1 if self.frames > before else failures + 1
                if failures > self.settings.reconnects:
                    if not self.frames:
                        self.fault = problem or MediaError(
                            f"cannot watch {self.settings.source}: no frame came",
                            where=self.settings.source,
                        )
                    break
                pause = choose_pause(failures - 1)
                why = "it ended" if problem is None else problem.message
                self.tell(f"{self.settings.source} is lost ({why}); again in {pause:.1f} s")
                self._stopped.wait(pause)
                self.windows.restart()
        finally:
            self.windows.close()

    def _decode_once(self) -> RushesError | None:
        from rushes.media.live import read_live

        settings, offset = self.settings, time.monotonic() - self._begun if self.frames else 0.0
        try:
            for seconds, convert in read_live(
                settings.source, settings.patience_seconds, self._is_over, self._see_jump
            ):
                if self.windows.wants(offset + seconds):
                    self.windows.add(offset + seconds, self._shrink(convert()))
                self.frames += 1
        except RushesError as exc:
            return exc
        except Exception as exc:  # a decoder's fault: the thread would die without a word
            return MediaError(f"reading it failed: {type(exc).__name__}: {exc}")
        return None

    def _see_jump(self, seconds: float) -> None:
        """Count a jump of the source's clock, and tell it unless another was told just now."""
        self.jumps += 1
        now = time.monotonic()
        if self._told_jump is None or now - self._told_jump > QUIET_SECONDS:
            self._told_jump = now
            how = f"went back {-seconds:.1f} s" if seconds < 0 else f"jumped {seconds:.1f} s ahead"
            self.tell(f"the clock of {self.settings.source} {how}; watching goes on")

    def _shrink(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A frame as small as the reader sees it."""
        size = self.reader.settings.measure(1, *pixels.shape[:2])
        return shrink_to(pixels, (size.height, size.width))

    def list_seen(self) -> Iterator[Seen]:
        """Every window's answer, until the source is lost or the time is over.

        Raises:
            MediaError: not one frame came.
        """
        dropped = 0
        while not self.windows.ended:
            window = self.windows.take(TAKE_SECONDS)
            if window is None:
                continue
            lost = self.windows.dropped - dropped
            dropped += lost
            if lost:
                self.tell(f"falling behind: {lost} windows dropped ({dropped} in all)")
            yield self._ask(window, lost)
        if self.fault is not None:
            raise self.fault

    def _ask(self, window: Frames, dropped: int) -> Seen:
        answer, error = None, ""
        try:
            answer = self.reader.ask(window, self.settings.question)
        except ServerError as exc:  # the stream goes on, and so may the server
            error = exc.message
            self.tell(f"no answer: {exc.message}")
        return self._judge(window, answer, dropped, error)

    def _judge(self, window: Frames, answer: Answer | None, dropped: int, error: str) -> Seen:
        words = "" if answer is None else answer.answer
        now = time.monotonic() - self._begun
        return Seen(
            self.settings.source, self.settings.event,
            says_yes(words), says_unknown(words),
            window.seconds[0], window.seconds[-1],
            datetime.now(UTC).isoformat(timespec="milliseconds"), words, window.seconds,
            "" if answer is None else answer.model, max(now - window.seconds[-1], 0.0),
            dropped, error,
        )  # fmt: skip


@contextmanager
def open_watch(settings: WatchSettings, reader: LoadedReader, tell: Tell) -> Iterator[Watch]:
    """A watch whose decoding has begun; it ends with the block."""
    most = reader.settings.sampling.max_frames
    fps = min(reader.settings.sampling.fps, most / settings.seconds)
    windows = Windows(settings.source, settings.seconds, settings.every, fps)
    watch = Watch(settings, reader, windows, tell)
    thread = threading.Thread(target=watch.decode, name="watch", daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.stop()
        thread.join(settings.patience_seconds)


@contextmanager
def open_reader(name: str, folder: Path, device: str) -> Iterator[LoadedReader]:
    """A reader in this process, or a server's, as the policy of a folder allows.

    Raises:
        UsageError: no such reader.
        Refused: the policy does not allow it, or its weights are not here.
    """
    import os

    from rushes.catalogue.load import find_reader_entry
    from rushes.hub import find_checkpoint
    from rushes.readers.base import find_reader
    from rushes.readers.openai import open_server
    from rushes.run.reader import check_reader, find_policy, find_server

    project = find_policy(folder)
    server = find_server(name, project)
    entry = find_reader_entry(name if server is None else server.like)
    check_reader(entry, server, project)
    if server is not None:
        with open_server(server, os.environ) as reader:
            yield reader
        return
    if device == "auto":
        import torch

        device = "cuda:0" if torch.cuda.is_available() else "cpu"
    yield find_reader(entry.family).open(find_checkpoint(entry), device, entry.dtype)
