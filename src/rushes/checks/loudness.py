"""loudness: how loud the clip is as a whole, by EBU R 128 (LUFS).

By itself it refuses what is plainly too loud or too quiet to be put beside other sound. The
profiles for delivery ask for the level of their platform: ``r128`` and ``streaming`` are the same
measurement with another target.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rushes.checks.base import Expectation, Judge, Verdict
from rushes.checks.judging import NO_SOUND, SoundJudge

if TYPE_CHECKING:
    from rushes.checks.base import Samples
    from rushes.media import MediaInfo

ANY = (-42.0, -6.0)
"""Quieter than a whisper beside dialogue at -23 to -27 LUFS; louder than any master that is not cut
off."""
R128 = (-24.0, -22.0)
"""EBU R 128 (2023): -23.0 LUFS, ±1.0 LU where exactness is not possible."""
STREAMING = (-16.0, -12.0)
"""-14 LUFS, to which YouTube and Spotify turn louder sound down, ±2 LU."""
SILENT_LUFS = -70.0
"""R 128's absolute gate: nothing louder than it was heard."""
THRESHOLD = 1.0


class LoudnessCheck:
    """The clip is as loud as it should be."""

    version = 1

    def __init__(self, name: str, limits: tuple[float, float], about: str) -> None:
        self.name, self.limits, self.about = name, limits, about

    def judge(self, info: MediaInfo, expect: Expectation | None) -> Judge:
        """A fresh judge for one file."""
        return LoudnessJudge(self.name, self.limits)


class LoudnessJudge(SoundJudge):
    """Feeds FFmpeg's meter."""

    def __init__(self, name: str, limits: tuple[float, float]) -> None:
        self._name, self._limits = name, limits
        self._meter: object | None = None

    def hear_samples(self, seconds: float, samples: Samples, rate: int) -> None:
        from rushes.media import LoudnessMeter

        if not isinstance(self._meter, LoudnessMeter):
            self._meter = LoudnessMeter()
        self._meter.hear(samples, rate)

    def give_verdict(self) -> Verdict:
        from rushes.media import LoudnessMeter

        if not isinstance(self._meter, LoudnessMeter):
            return Verdict(self._name, 1.0, THRESHOLD, NO_SOUND)
        found = self._meter.finish()
        lowest, highest = self._limits
        off = max(lowest - found.integrated, found.integrated - highest, 0.0)
        heard = found.integrated > SILENT_LUFS
        if not heard:
            off, message = 0.0, "nothing is loud enough to be measured"
        elif off:
            message = f"{found.integrated:.1f} LUFS, outside {lowest:g} to {highest:g}"
        else:
            message = f"{found.integrated:.1f} LUFS"
        return Verdict(
            self._name,
            1 / (1 + off),
            THRESHOLD,
            message,
            (),
            {"integrated_lufs": found.integrated, "range_lu": found.span, "off_lu": off},
        )


CHECK = LoudnessCheck("loudness", ANY, "sound that is far too loud or too quiet")
