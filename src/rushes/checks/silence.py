"""silence: a sound stream that says nothing, or stops saying anything.

Gaps between events are no defect: only long silences count. A sound that ends before the picture
is silent from there.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rushes.checks.base import Expectation, Judge, Verdict
from rushes.checks.timeline import Run, RunCollector, make_spans

if TYPE_CHECKING:
    from rushes.checks.base import Frame, Samples
    from rushes.media import MediaInfo

WINDOW_SECONDS = 0.02
"""Long enough for a level at 50 Hz, short enough for a click."""
SILENT_DBFS = -60.0
"""Below this a window is silent (libavfilter's silencedetect takes -60 dB too)."""
LONG_SECONDS = 2.0
"""libavfilter's silencedetect takes 2 s too; slow beeps come every 1.3 s."""
THRESHOLD = 0.7
"""At most 30 % of a clip may lie in long silences."""


class SilenceCheck:
    """There is something to hear."""

    name = "silence"
    version = 1
    about = "silent sound, or long silences"

    def judge(self, info: MediaInfo, expect: Expectation | None) -> Judge:
        """A fresh judge for one file."""
        return SilenceJudge(info, expect)


class SilenceJudge:
    """Hears one clip."""

    def __init__(self, info: MediaInfo, expect: Expectation | None) -> None:
        self._info = info
        self._wanted = expect is None or expect.audio
        self._collector = RunCollector(WINDOW_SECONDS)
        self._cutter: object | None = None
        self._loudest = 0.0

    def see_frame(self, seconds: float, frame: Frame) -> None:
        """The picture is not looked at."""

    def hear_samples(self, seconds: float, samples: Samples, rate: int) -> None:
        from rushes.checks import sound

        if not isinstance(self._cutter, sound.WindowCutter):
            self._cutter = sound.WindowCutter(WINDOW_SECONDS)
        for start, window in self._cutter.cut(seconds, samples, rate):
            level = sound.measure_level(window)
            self._loudest = max(self._loudest, level)
            self._collector.see(start, "silent" if level < 10 ** (SILENT_DBFS / 20) else "")

    def give_verdict(self) -> Verdict:
        if self._info.audio is None:
            score = 0.0 if self._wanted else 1.0
            return Verdict("silence", score, THRESHOLD, "there is no sound stream")
        runs = self._close_runs()
        total = max(self._collector.end, self._picture_end())
        heard = self._loudest >= 10 ** (SILENT_DBFS / 20)
        long = runs if not heard else [run for run in runs if run.seconds > LONG_SECONDS]
        lost = sum(run.seconds for run in long)
        score = 1 - min(1.0, lost / total) if heard and total > 0 else 0.0
        return Verdict(
            "silence",
            score,
            THRESHOLD,
            _describe(heard, lost, total),
            make_spans(long, self._info, "silent"),
            {
                "silent_seconds": lost,
                "longest_silence_seconds": max((run.seconds for run in runs), default=0.0),
                "loudest_dbfs": to_dbfs(self._loudest),
            },
        )

    def _close_runs(self) -> list[Run]:
        """Silent stretches, with those before the sound's start and after its end."""
        end, picture_end = self._collector.end, self._picture_end()
        runs = list(self._collector.finish())
        if self._collector.first > WINDOW_SECONDS:
            runs.insert(0, Run(0.0, self._collector.first, "silent"))
        if picture_end - end <= WINDOW_SECONDS:
            return runs
        start = runs.pop().start if runs and runs[-1].end >= end - WINDOW_SECONDS else end
        return [*runs, Run(start, picture_end, "silent")]

    def _picture_end(self) -> float:
        video = self._info.video
        return (video.duration_seconds or 0.0) if video else 0.0


def to_dbfs(level: float) -> float:
    """Decibels below full scale, -120 for nothing at all."""
    return max(-120.0, 20 * math.log10(level)) if level > 0 else -120.0


def _describe(heard: bool, lost: float, total: float) -> str:
    if not heard:
        return "nothing can be heard"
    if not lost:
        return "no long silence"
    return f"{lost:.2f} s of {total:.2f} s lie in long silences"


CHECK = SilenceCheck()
