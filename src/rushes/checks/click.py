"""click: single samples that break out of the wave, as bad splices and lost blocks make them.

Each sample is foretold from its neighbours, two on either side. What is far off, against how far
off the samples around it are, is no sound that air could carry: real clicks ring, and the samples
before and after them do too.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from rushes.checks.base import Expectation, Judge, Verdict
from rushes.checks.judging import HALF, NO_SOUND, SoundJudge, rate_excess
from rushes.checks.timeline import Run, make_spans

if TYPE_CHECKING:
    from rushes.checks.base import Samples
    from rushes.media import MediaInfo

WINDOW_SECONDS = 0.05
SECOND_WINDOWS = 20
LEVEL = 0.1
"""A sample so far off what its neighbours foretell is a click: -20 dBFS, in one sample."""
TIMES = 8.0
"""... and so many times the largest of the others within a few milliseconds."""
CLICKS_A_SECOND = 1.0
"""More than one in the worst second fails: a single one may be meant."""
MAX_SPANS = 20
THRESHOLD = HALF


class ClickCheck:
    """No clicks."""

    name = "click"
    version = 1
    about = "single samples that break out of the wave"

    def judge(self, info: MediaInfo, expect: Expectation | None) -> Judge:
        """A fresh judge for one file."""
        return ClickJudge(info)


class ClickJudge(SoundJudge):
    """Keeps the counts of one second."""

    def __init__(self, info: MediaInfo) -> None:
        self._info = info
        self._cutter: object | None = None
        self._recent: deque[int] = deque(maxlen=SECOND_WINDOWS)
        self._clicks = 0
        self._worst = 0
        self._heard = False
        self._runs: list[Run] = []

    def hear_samples(self, seconds: float, samples: Samples, rate: int) -> None:
        from rushes.checks import sound

        self._heard = True
        if not isinstance(self._cutter, sound.WindowCutter):
            self._cutter = sound.WindowCutter(WINDOW_SECONDS)
        for start, window in self._cutter.cut(seconds, samples, rate):
            clicks = sound.count_clicks(window, LEVEL, TIMES)
            self._clicks += clicks
            self._recent.append(clicks)
            self._worst = max(self._worst, sum(self._recent))
            if clicks and len(self._runs) < MAX_SPANS:
                self._runs.append(Run(start, start + WINDOW_SECONDS, "click"))

    def give_verdict(self) -> Verdict:
        message = "no clicks to speak of"
        failed = self._worst > CLICKS_A_SECOND
        if not self._heard:
            message = NO_SOUND
        elif failed:
            message = f"{self._worst} clicks in the worst second, {self._clicks} in all"
        return Verdict(
            "click",
            rate_excess(self._worst, CLICKS_A_SECOND),
            THRESHOLD,
            message,
            make_spans(self._runs, self._info) if failed else (),
            {"clicks": self._clicks, "worst_clicks_per_second": self._worst},
        )


CHECK = ClickCheck()
