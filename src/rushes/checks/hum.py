"""hum: the tone of the mains, 50 or 60 Hz, under all of the sound.

A hum is a narrow line at the mains' frequency that never stops: what counts is its level in the
window where it is weakest. A bass that plays the same note now and then is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rushes.checks.base import Expectation, Judge, Verdict
from rushes.checks.judging import HALF, NO_SOUND, SoundJudge
from rushes.checks.silence import to_dbfs

if TYPE_CHECKING:
    from rushes.checks.base import Samples
    from rushes.media import MediaInfo

WINDOW_SECONDS = 0.5
"""Lines are told apart to 4 Hz."""
LIMIT_DBFS = -54.0
"""A steady tone of this level is heard in the pauses of speech at -23 LUFS."""
STANDS_OUT_DB = 12.0
"""A line is so much above what lies 6 to 9 Hz beside it; noise and thumps are not."""
LEAST_WINDOWS = 3
"""A shorter clip is too short to tell a hum from a note."""
THRESHOLD = HALF


class HumCheck:
    """No hum of the mains."""

    name = "hum"
    version = 1
    about = "a steady tone of 50 or 60 Hz"

    def judge(self, info: MediaInfo, expect: Expectation | None) -> Judge:
        """A fresh judge for one file."""
        return HumJudge()


class HumJudge(SoundJudge):
    """Keeps the weakest level of two lines."""

    def __init__(self) -> None:
        self._cutter: object | None = None
        self._weakest: dict[float, float] = {}
        self._windows = 0

    def hear_samples(self, seconds: float, samples: Samples, rate: int) -> None:
        from rushes.checks import sound

        if not isinstance(self._cutter, sound.WindowCutter):
            self._cutter = sound.WindowCutter(WINDOW_SECONDS)
        for _, window in self._cutter.cut(seconds, samples, rate):
            self._windows += 1
            for hertz in (50.0, 60.0):
                level = sound.measure_line(window, rate, hertz, 10 ** (STANDS_OUT_DB / 20))
                self._weakest[hertz] = min(self._weakest.get(hertz, 1.0), level)

    def give_verdict(self) -> Verdict:
        if not self._windows:
            return Verdict("hum", 1.0, THRESHOLD, NO_SOUND)
        hertz = max(self._weakest, key=lambda line: self._weakest[line])
        level = self._weakest[hertz] if self._windows >= LEAST_WINDOWS else 0.0
        score = 1 / (1 + level / 10 ** (LIMIT_DBFS / 20))
        message = "no hum"
        if score < THRESHOLD:
            message = f"a hum of {hertz:.0f} Hz at {to_dbfs(level):.0f} dBFS goes through the clip"
        evidence: dict[str, float | int | str] = {"hum_dbfs": to_dbfs(level), "line_hertz": hertz}
        return Verdict("hum", score, THRESHOLD, message, (), evidence)


CHECK = HumCheck()
