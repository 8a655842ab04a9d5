"""frozen: stretches in which nothing moves, or which only repeat what was shown.

A rest is no defect: a shape that blinks stands still between. Frames are compared with one of up
to half a second before, so that a slow drift counts as movement, and what a codec redraws of a
still does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rushes.checks.base import Expectation, Judge, Span, Verdict
from rushes.checks.loops import LoopFinder, total_seconds
from rushes.checks.timeline import Run, RunCollector, frame_seconds_of, make_spans, within

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rushes.checks.base import Frame, Samples
    from rushes.media import MediaInfo

MOVED_LEVELS = 18.0
"""A cell of 4x4 pixels whose mean changes by more has moved. Measured with x264: cells of stills
change by at most 8 at crf 18 and 17 at crf 28, those of a disc that creeps by 0.15 pixels a frame
by 26 to 33 in a quarter of a second."""
ANCHOR_SECONDS = 0.5
"""The frame that others are compared with is renewed this often."""
REST_SECONDS = 1.0
"""A shorter rest is part of a motion: blinking things rest for up to 0.67 s."""
REST_SHARE = 0.8
"""In a clip of less than 1.25 s, a stretch that covers this share of it is not a rest."""
LONGEST_SECONDS = 3.0
"""One stretch of this length fails a clip however long it is."""
THRESHOLD = 0.75
"""At most a quarter of a clip may be frozen."""


class FrozenCheck:
    """Something moves."""

    name = "frozen"
    version = 3
    about = "stretches in which nothing moves, or that only repeat"

    def judge(self, info: MediaInfo, expect: Expectation | None) -> Judge:
        """A fresh judge for one file."""
        return FrozenJudge(info)


class FrozenJudge:
    """Sees one clip; keeps the cells of one frame."""

    def __init__(self, info: MediaInfo) -> None:
        self._info = info
        self._collector = RunCollector(frame_seconds_of(info))
        self._anchor: NDArray[np.float32] | None = None
        self._anchored = 0.0
        self._stretch = 0
        self._loops = LoopFinder()

    def see_frame(self, seconds: float, frame: Frame) -> None:
        from rushes.checks import pixels

        cells, anchor = pixels.average_cells(frame), self._anchor
        moved = (
            anchor is None
            or anchor.shape != cells.shape
            or pixels.largest_change(anchor, cells) > MOVED_LEVELS
        )
        self._loops.see(seconds, cells)
        self._stretch += moved
        if moved or seconds - self._anchored >= ANCHOR_SECONDS:
            self._anchor, self._anchored = cells, seconds
        self._collector.see(seconds, str(self._stretch))
        self._forget_short()

    def hear_samples(self, seconds: float, samples: Samples, rate: int) -> None:
        """Sound is not looked at."""

    def give_verdict(self) -> Verdict:
        stills = self._collector.finish()
        total = self._collector.seconds
        rest = min(REST_SECONDS, REST_SHARE * total)
        frozen = [run for run in stills if run.seconds > rest]
        lost = sum(run.seconds for run in frozen)
        longest = max((run.seconds for run in frozen), default=0.0)
        repeats = self._loops.finish(self._collector.end)
        repeated = total_seconds(repeats)
        strain = 1.0
        if total:
            strain = max((lost + repeated) / total, (1 - THRESHOLD) * longest / LONGEST_SECONDS)
        frozen_spans = make_spans(frozen, self._info, "nothing moves")
        loops = (Span(start, end, "repeats") for start, end in repeats)
        return Verdict(
            "frozen",
            1 - min(1.0, strain),
            THRESHOLD,
            _describe(total, lost, longest, repeated),
            (*frozen_spans, *within(loops, self._info)),
            {
                "frozen_seconds": lost,
                "repeated_seconds": repeated,
                "longest_still_seconds": max((run.seconds for run in stills), default=0.0),
                "frames": self._collector.frames,
            },
        )

    def _forget_short(self) -> None:
        """Keep memory flat: a closed stretch that can never count is dropped."""
        runs = self._collector.runs
        if runs and self._collector.seconds > REST_SECONDS / REST_SHARE:
            kept: list[Run] = [run for run in runs[-1:] if run.seconds > REST_SECONDS]
            runs[-1:] = kept


def _describe(total: float, lost: float, longest: float, repeated: float) -> str:
    if total <= 0:
        return "there is no picture to judge"
    if repeated > lost:
        return f"{repeated:.2f} s of {total:.2f} s only repeat what was shown before"
    if not lost:
        return "no long rest"
    return f"nothing moves for {lost:.2f} s of {total:.2f} s, {longest:.2f} s at a time"


CHECK = FrozenCheck()
