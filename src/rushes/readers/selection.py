"""Which part of a clip is looked at, and how densely, where a person says so."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Literal

from rushes.errors import UsageError
from rushes.readers.base import Sampling

AROUND_SECONDS = 4.0
"""``--at`` looks this long before and after the time: eight seconds in all, which at the two frames
a second of most readers is enough to see something happen, and short enough to be about it."""

_CLOCK = re.compile(r"(?:(?P<h>\d+):)?(?P<m>\d+):(?P<s>\d{1,2}(?:\.\d+)?)", re.ASCII)
_SECONDS = re.compile(r"(?P<s>\d+(?:\.\d+)?)\s*s?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Selection:
    """What is looked at; all of a clip as densely as the reader likes, where nothing is said.

    Args:
        by: ``even``: at equal distances; ``scenes``: once a scene, in its middle.
        fps: frames a second in the place of the reader's own; its limits hold all the same.
        frames: at most so many.
        start_seconds: from where; times are seconds from the file's start.
        end_seconds: to where; None for the end.
        drop_duplicates: leave out frames that hardly differ from the one before.
    """

    by: Literal["even", "scenes"] = "even"
    fps: float | None = None
    frames: int | None = None
    start_seconds: float = 0.0
    end_seconds: float | None = None
    drop_duplicates: bool = False

    def apply(self, sampling: Sampling) -> Sampling:
        """How densely a reader looks, with what is said here.

        Where a number of frames a second is asked for, no shorter distance is taken to reach the
        reader's fewest frames.
        """
        if self.fps is not None:
            sampling = replace(sampling, fps=self.fps, min_frames=1)
        if self.frames is not None:
            most = min(self.frames, sampling.max_frames)
            least = min(sampling.min_frames, most)
            sampling = replace(sampling, max_frames=most, min_frames=least)
        return sampling

    def clip(self, duration_seconds: float | None) -> float | None:
        """Seconds that are looked at; None where that is not known."""
        ends = [end for end in (self.end_seconds, duration_seconds) if end is not None]
        return max(min(ends) - self.start_seconds, 0.0) if ends else None


def make_selection(
    *,
    by: Literal["even", "scenes"] = "even",
    fps: float | None = None,
    frames: int | None = None,
    start: str | None = None,
    end: str | None = None,
    at: str | None = None,
    drop_duplicates: bool = False,
) -> Selection:
    """A selection as it is said on a command line; times as :func:`parse_time` reads them.

    Raises:
        UsageError: a value out of range, or two that contradict each other.
    """
    if at is not None and (start is not None or end is not None):
        raise UsageError("--at says where to look already", hint="leave out --from and --to")
    if fps is not None and not (math.isfinite(fps) and 0 < fps <= 1000):
        raise UsageError(f"--fps {fps:g} is not a rate", hint="give a number up to 1000")
    if fps is not None and by == "scenes":
        raise UsageError("--scenes takes one frame a scene", hint="leave out --fps")
    if frames is not None and frames < 1:
        raise UsageError("--frames is less than 1", hint="give a whole number from 1")
    if at is not None:
        moment = parse_time(at)
        first, last = max(moment - AROUND_SECONDS, 0.0), moment + AROUND_SECONDS
        return Selection(by, fps, frames, first, last, drop_duplicates)
    first = 0.0 if start is None else parse_time(start)
    until = None if end is None else parse_time(end)
    if until is not None and until <= first:
        raise UsageError(f"--to {end} is not after {start or '0'}", hint="swap them")
    return Selection(by, fps, frames, first, until, drop_duplicates)


def parse_time(text: str) -> float:
    """Seconds of ``12.5``, ``12.5s``, ``4:12`` or ``1:02:03.5``.

    Raises:
        UsageError: it is none of these.
    """
    said = text.strip()
    if (match := _CLOCK.fullmatch(said)) and float(match["s"]) < 60:
        hours, minutes = int(match["h"] or 0), int(match["m"])
        if match["h"] is None or minutes < 60:
            return hours * 3600 + minutes * 60 + float(match["s"])
    if match := _SECONDS.fullmatch(said):
        return float(match["s"])
    raise UsageError(
        f"{text!r} is not a time", hint="write seconds, as 12.5, or 4:12, or 1:02:03.5"
    )


def show_time(seconds: float) -> str:
    """``4:12.0``, ``1:02:03.5``."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    clock = f"{minutes:02d}:{rest / 10:04.1f}"
    return f"{hours}:{clock}" if hours else f"{minutes}:{rest / 10:04.1f}"
