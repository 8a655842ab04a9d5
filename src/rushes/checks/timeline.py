"""Stretches of a clip, put together from what is seen at one time after another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rushes.checks.base import Span

if TYPE_CHECKING:
    from rushes.media import MediaInfo

DEFAULT_FRAME_SECONDS = 1 / 25
"""How long a frame is shown where a file does not say: the step of PAL."""


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch over which the label stayed the same, in seconds."""

    start: float
    end: float
    label: str

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.start


class RunCollector:
    """Joins neighbours of one label; each lasts until the next one begins.

    Only stretches with a label are kept, so memory grows with the number of events, not of frames.
    """

    def __init__(self, frame_seconds: float) -> None:
        self._frame_seconds = frame_seconds
        self._start: float | None = None
        self._label = ""
        self.first = 0.0
        self.end = 0.0
        self.frames = 0
        self.runs: list[Run] = []

    @property
    def seconds(self) -> float:
        """From the first frame to the end of the last one seen so far."""
        return self.end - self.first

    def see(self, seconds: float, label: str) -> None:
        """A frame of this label; the empty label is not kept."""
        if self._start is None:
            self._start, self._label, self.first = seconds, label, seconds
        elif label != self._label:
            self._keep(seconds)
            self._start, self._label = seconds, label
        self.end = seconds + self._frame_seconds
        self.frames += 1

    def finish(self) -> list[Run]:
        """Close the last stretch and return all."""
        if self._start is not None:
            self._keep(self.end)
        self._start, self._label = None, ""
        return self.runs

    def _keep(self, end: float) -> None:
        assert self._start is not None
        if self._label and end > self._start:
            self.runs.append(Run(self._start, end, self._label))


def frame_seconds_of(info: MediaInfo) -> float:
    """How long one frame is shown."""
    return 1 / info.fps if info.fps > 0 else DEFAULT_FRAME_SECONDS


def make_spans(runs: Iterable[Run], info: MediaInfo, note: str = "") -> tuple[Span, ...]:
    """Spans inside the file's declared duration; ``note`` in place of the runs' labels."""
    limit = info.duration_seconds
    spans: list[Span] = []
    for run in runs:
        end = run.end if limit is None else min(run.end, limit)
        start = max(run.start, 0.0)
        if end > start:
            spans.append(Span(start, end, note or run.label))
    return tuple(spans)


def within(spans: Iterable[Span], info: MediaInfo) -> tuple[Span, ...]:
    """Spans cut to the file's declared duration; what lies beyond it is left out."""
    limit = info.duration_seconds
    if limit is None:
        return tuple(spans)
    cut = (Span(s.start_seconds, min(s.end_seconds, limit), s.note) for s in spans)
    return tuple(span for span in cut if span.end_seconds > span.start_seconds)


def is_joined(seconds: float, joins: Iterable[tuple[float, float]], step: float) -> bool:
    """Whether a frame lies where the plan joins two shots, to within a frame and a half."""
    return any(start - 1.5 * step <= seconds <= end + 1.5 * step for start, end in joins)
