"""peak: the true peak of the sound, between its samples too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rushes.checks.base import Expectation, Judge, Verdict
from rushes.checks.judging import NO_SOUND, SoundJudge

if TYPE_CHECKING:
    from rushes.checks.base import Samples
    from rushes.media import MediaInfo

LIMIT_DBTP = -1.0
"""EBU R 128: the maximum true peak level of a programme."""
TOLERANCE_DB = 0.3
"""What R 128's meters may differ by (EBU Tech 3341)."""
THRESHOLD = 1.0


class PeakCheck:
    """The true peak keeps a decibel of room."""

    name = "peak"
    version = 1
    about = "true peaks above -1 dBTP"

    def judge(self, info: MediaInfo, expect: Expectation | None) -> Judge:
        """A fresh judge for one file."""
        return PeakJudge()


class PeakJudge(SoundJudge):
    """Feeds FFmpeg's meter."""

    def __init__(self) -> None:
        self._meter: object | None = None

    def hear_samples(self, seconds: float, samples: Samples, rate: int) -> None:
        from rushes.media import LoudnessMeter

        if not isinstance(self._meter, LoudnessMeter):
            self._meter = LoudnessMeter()
        self._meter.hear(samples, rate)

    def give_verdict(self) -> Verdict:
        from rushes.media import LoudnessMeter

        if not isinstance(self._meter, LoudnessMeter):
            return Verdict("peak", 1.0, THRESHOLD, NO_SOUND)
        level = self._meter.finish().peak
        over = max(0.0, level - LIMIT_DBTP - TOLERANCE_DB)
        message = f"the true peak is {level:.1f} dBTP"
        if over:
            message += f", above {LIMIT_DBTP:g}"
        evidence: dict[str, float | int | str] = {"true_peak_dbtp": level}
        return Verdict("peak", 1 / (1 + over), THRESHOLD, message, (), evidence)


CHECK = PeakCheck()
