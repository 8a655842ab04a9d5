"""black: frames with nothing in them, black or of another plain colour.

A plain background is no defect while something is on it. A frame is blank when (almost) every pixel
has its ground's colour. Blank frames count in two cases: when the ground is not that of the
clip's other frames (a dropout), and when they go on for longer than an object blinks. Black bars at
opposite sides of the picture are lost too.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rushes.checks.bars import BarFinder
from rushes.checks.base import Expectation, Judge, Span, Verdict
from rushes.checks.timeline import Run, RunCollector, frame_seconds_of, make_spans, within

if TYPE_CHECKING:
    from rushes.checks.base import Frame, Samples
    from rushes.media import MediaInfo

CONTENT_LEVELS = 16
"""A pixel this far from its ground is content; noise of lossy codecs on a plain ground is less."""
CONTENT_SHARE = 0.001
"""Less content than a thousandth of the picture (a 2x2 dot at 64x64) is none."""
BLACK_LUMA = 32
"""A blank frame no brighter than this is called black (libavfilter's blackframe takes 32 too)."""
GROUND_STEP = 24
"""A blank frame whose ground is this many levels off the clip's is a dropout."""
LONG_BLANK_SECONDS = 0.75
"""Things blink with gaps of up to 0.67 s in the procedural world; longer is a loss."""
THRESHOLD = 0.98
"""One lost frame of two seconds is seen; a fade of a second in a minute is not a defect."""


class BlackCheck:
    """No stretch of black or blank frames."""

    name = "black"
    version = 2
    about = "black or blank frames, and bars"

    def judge(self, info: MediaInfo, expect: Expectation | None) -> Judge:
        """A fresh judge for one file."""
        return BlackJudge(info)


class BlackJudge:
    """Sees one clip."""

    def __init__(self, info: MediaInfo) -> None:
        self._info = info
        self._runs = RunCollector(frame_seconds_of(info))
        self._grounds: Counter[int] = Counter()
        self._bars = BarFinder()

    def see_frame(self, seconds: float, frame: Frame) -> None:
        from rushes.checks import pixels

        self._bars.see(frame)
        ground = pixels.find_ground(frame)
        luma = (2 * ground[0] + 5 * ground[1] + ground[2]) // 8
        blank = pixels.share_apart(frame, ground, CONTENT_LEVELS) < CONTENT_SHARE
        if not blank:
            self._grounds[luma] += 1
        self._runs.see(seconds, str(luma) if blank else "")

    def hear_samples(self, seconds: float, samples: Samples, rate: int) -> None:
        """Sound is not looked at."""

    def give_verdict(self) -> Verdict:
        blanks = _join_touching(self._runs.finish())
        bad = [run for run in blanks if self._is_defect(run)]
        black = [run for run in bad if int(run.label) <= BLACK_LUMA]
        total = self._runs.seconds
        lost = sum(run.seconds for run in bad)
        bars = self._bars.measure() if not bad else 0.0
        score = 1 - min(1.0, max(lost / total, bars)) if total > 0 else 0.0
        spans = make_spans(bad, self._info, "blank" if not black else "black")
        if 1 - bars < THRESHOLD:
            spans = within([Span(0.0, self._runs.end, "bars")], self._info)
        return Verdict(
            "black",
            score,
            THRESHOLD,
            self._describe(total, lost, black, bars),
            spans,
            {
                "bars_share": bars,
                "lost_seconds": lost,
                "black_seconds": sum(run.seconds for run in black),
                "blank_seconds": sum(run.seconds for run in blanks),
                "longest_blank_seconds": max((run.seconds for run in blanks), default=0.0),
                "frames": self._runs.frames,
            },
        )

    def _is_defect(self, run: Run) -> bool:
        if run.seconds > LONG_BLANK_SECONDS or not self._grounds:
            return True
        count = self._grounds.total()
        near = sum(
            n for luma, n in self._grounds.items() if abs(luma - int(run.label)) < GROUND_STEP
        )
        return near < count / 10

    def _describe(self, total: float, lost: float, black: list[Run], bars: float) -> str:
        if total <= 0:
            return "there is no picture to judge"
        if 1 - bars < THRESHOLD:
            return f"black bars take {bars:.0%} of the picture"
        if not lost:
            return "no black or blank stretch"
        what = "black" if black else "blank"
        return f"{lost:.2f} s of {total:.2f} s are {what}"


def _join_touching(runs: list[Run]) -> list[Run]:
    """Blank frames of nearly one ground make one stretch."""
    joined: list[Run] = []
    for run in runs:
        last = joined[-1] if joined else None
        if last and last.end == run.start and abs(int(last.label) - int(run.label)) < GROUND_STEP:
            joined[-1] = Run(last.start, run.end, last.label)
        else:
            joined.append(run)
    return joined


CHECK = BlackCheck()
