"""clipping: sound cut off at full scale."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from rushes.checks.base import Expectation, Judge, Verdict
from rushes.checks.silence import to_dbfs
from rushes.checks.timeline import RunCollector, make_spans

if TYPE_CHECKING:
    from rushes.checks.base import Frame, Samples
    from rushes.media import MediaInfo

FULL_SCALE = 0.999
"""A sample at or beyond this stands at full scale, in 16-bit sound too."""
RUN_SAMPLES = 3
"""Fewer samples in a row touch full scale without being cut."""
BLUNT_LEVEL, BLUNT_SHARE = 0.9, 0.375
"""What a codec makes of samples at full scale is at 0.9 or more of it, for more than three eighths
of a half wave; a whole sine of full scale is there for 0.29 of it, and 5 % beyond it for 0.35."""
WINDOW_SECONDS = 0.05
SECOND_WINDOWS = 20
"""The worst second decides, so that a burst in a long film is found."""
WINDOW_SHARE = 0.03
"""Of one window: a drum's stroke or a short beep is cut off so much, and rests before and after."""
THRESHOLD = 0.99
"""A hundredth of a second's samples; loud masters clip fewer, an overdriven tone a third."""


class ClippingCheck:
    """The sound is not cut off at full scale."""

    name = "clipping"
    version = 3
    about = "sound cut off at full scale"

    def judge(self, info: MediaInfo, expect: Expectation | None) -> Judge:
        """A fresh judge for one file."""
        return ClippingJudge(info)


class ClippingJudge:
    """Hears one clip."""

    def __init__(self, info: MediaInfo) -> None:
        self._info = info
        self._collector = RunCollector(WINDOW_SECONDS)
        self._cutter: object | None = None
        self._recent: deque[float] = deque(maxlen=SECOND_WINDOWS)
        self._worst = 0.0
        self._burst = 0.0
        self._peak = 0.0
        self._clipped = 0

    def see_frame(self, seconds: float, frame: Frame) -> None:
        """The picture is not looked at."""

    def hear_samples(self, seconds: float, samples: Samples, rate: int) -> None:
        from rushes.checks import sound

        if not isinstance(self._cutter, sound.WindowCutter):
            self._cutter = sound.WindowCutter(WINDOW_SECONDS)
        self._peak = max(self._peak, sound.measure_peak(samples))
        for start, window in self._cutter.cut(seconds, samples, rate):
            clipped = max(
                sound.count_clipped(window, FULL_SCALE, RUN_SAMPLES),
                sound.count_blunted(window, BLUNT_LEVEL, BLUNT_SHARE),
            )
            self._clipped += clipped
            self._recent.append(clipped / len(window))
            self._worst = max(self._worst, sum(self._recent) / len(self._recent))
            self._burst = max(self._burst, clipped / len(window))
            self._collector.see(start, "clipped" if clipped else "")

    def give_verdict(self) -> Verdict:
        runs = self._collector.finish()
        worst = min(1.0, self._worst)
        lost = max(worst, min(1.0, self._burst * (1 - THRESHOLD) / WINDOW_SHARE))
        if self._info.audio is None:
            message = "there is no sound to judge"
        elif worst > 1 - THRESHOLD:
            message = f"{worst:.1%} of the worst second is cut off at full scale"
        elif lost > 1 - THRESHOLD:
            message = f"{self._burst:.1%} of a short burst is cut off at full scale"
        else:
            message = "no clipping to speak of"
        return Verdict(
            "clipping",
            1 - lost,
            THRESHOLD,
            message,
            make_spans(runs, self._info, "clipped"),
            {
                "clipped_samples": self._clipped,
                "worst_second_share": worst,
                "worst_window_share": self._burst,
                "peak_dbfs": to_dbfs(self._peak),
            },
        )


CHECK = ClippingCheck()
