"""sync: sound and picture begin together.

What begins to be seen is matched with what begins to be heard, and the offset between them is held
against ITU-R BT.1359. Only a confident measurement fails a clip: one in which most of what is heard
is seen, at one offset and no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rushes.checks.base import Expectation, Judge, Span, Verdict
from rushes.checks.judging import HALF, NO_SOUND
from rushes.checks.timeline import frame_seconds_of, within

if TYPE_CHECKING:
    from rushes.checks.base import Frame, Samples
    from rushes.checks.matching import Offset, Onset
    from rushes.media import MediaInfo

EARLY_SECONDS = 0.045
"""ITU-R BT.1359-1: from here on viewers notice sound that comes before its picture."""
LATE_SECONDS = 0.125
"""ITU-R BT.1359-1: from here on viewers notice sound that comes after its picture."""
CONFIDENT = 0.4
"""Less confident measurements are said and fail nothing; ``bench/defects`` has the figures."""
BEAT_FIT, PAIR_FIT, BEAT_INSIDE = 0.6, 0.7, 0.8
"""A steady beat fits at several offsets. It is out of sync where six tenths of all beginnings are
matched (seven, where that is one pair), and at no offset within the limits four fifths of it."""
BEYOND_SHARE = 0.75
"""Of the stretch of offsets that fit, so much has to lie beyond a limit: between two frames a
single beginning is known no better."""
STILL_LEVELS = 0.02
"""A picture whose largest step changes less, in mean levels, stands still."""
LAST_FRAMES = 2
SOUND_SECONDS = 0.025
"""Sound that is there from the beginning does not begin."""
STILL_ONSETS = 2
"""So many beginnings in the sound ask for something to be seen."""
THRESHOLD = HALF


class SyncCheck:
    """Sound comes with its picture."""

    name = "sync"
    version = 3
    about = "sound that comes before or after its picture"

    def judge(self, info: MediaInfo, expect: Expectation | None) -> Judge:
        """A fresh judge for one file."""
        return SyncJudge(info)


class SyncJudge:
    """Keeps what begins in picture and sound, for ten minutes at most."""

    def __init__(self, info: MediaInfo) -> None:
        self._info = info
        self._step = frame_seconds_of(info)
        self._frames = 0
        self._begin = 0.0
        self._end = 0.0
        self._picture: object | None = None
        self._sound: object | None = None

    def see_frame(self, seconds: float, frame: Frame) -> None:
        from rushes.checks.picture_onsets import PictureOnsets

        if self._info.audio is None:
            return
        if not isinstance(self._picture, PictureOnsets):
            self._picture, self._begin = PictureOnsets(), seconds
        self._picture.see(seconds, frame)
        self._frames += 1
        self._end = seconds + self._step

    def hear_samples(self, seconds: float, samples: Samples, rate: int) -> None:
        from rushes.checks.sound_onsets import SoundOnsets

        if not isinstance(self._sound, SoundOnsets):
            self._sound = SoundOnsets()
        self._sound.hear(seconds, samples, rate)

    def give_verdict(self) -> Verdict:
        from rushes.checks.matching import find_offset
        from rushes.checks.picture_onsets import PictureOnsets
        from rushes.checks.sound_onsets import SoundOnsets

        if not isinstance(self._picture, PictureOnsets) or not isinstance(self._sound, SoundOnsets):
            return self._say(1.0, NO_SOUND if self._info.audio is None else "nothing to compare")
        seen, heard = self._picture.find(), self._sound.find()
        last = self._end - LAST_FRAMES * self._step  # what would show it may come after the end
        heard = [onset for onset in heard if onset.start < last] or heard
        still = self._frames > 1 and self._picture.largest_change < STILL_LEVELS
        if still and len(heard) >= STILL_ONSETS:
            spans = within([Span(0.0, self._end, "still picture over sound")], self._info)
            return self._say(0.0, "a still picture over sound", seen, heard, spans=spans)
        offset = find_offset(
            seen,
            heard,
            (-EARLY_SECONDS, LATE_SECONDS),
            (self._begin + self._step, last),
            (SOUND_SECONDS, last),
        )
        if offset is None:
            return self._say(1.0, "too little begins to measure an offset", seen, heard)
        return self._judge_offset(offset, seen, heard)

    def _judge_offset(self, offset: Offset, seen: list[Onset], heard: list[Onset]) -> Verdict:
        """Fails where most offsets that fit lie beyond the limits, and confidently so."""
        spare = (1 - BEYOND_SHARE) * (offset.high - offset.low)
        latest, earliest = offset.low + spare, offset.high - spare
        beyond = max(latest / LATE_SECONDS, -earliest / EARLY_SECONDS, 0.0)
        side = "late" if offset.seconds > 0 else "early"
        amount = f"{abs(offset.seconds) * 1000:.0f} ms {side}"
        if _is_beside(offset) and beyond > 1:
            message = f"the sound is off, perhaps {amount}: a beat that fits at no small offset"
            off = [Span(onset.start, onset.start + 0.1, "off") for onset in heard]
            beside = within(off, self._info)
            return self._say(1 / (1 + beyond), message, seen, heard, offset, beside)
        if offset.confidence < CONFIDENT:
            return self._say(
                1.0, f"no confident measurement (perhaps {amount})", seen, heard, offset
            )
        score = 1 / (1 + beyond)
        spans = [
            Span(
                onset.start,
                onset.start + 0.1,
                "sound" if score >= THRESHOLD else f"sound is {side}",
            )
            for onset in heard
        ]
        failed = score < THRESHOLD
        message = f"the sound is {amount}" if failed else f"sound and picture agree ({amount})"
        found = within(spans, self._info) if failed else ()
        return self._say(score, message, seen, heard, offset, found)

    def _say(
        self,
        score: float,
        message: str,
        seen: list[Onset] | None = None,
        heard: list[Onset] | None = None,
        offset: Offset | None = None,
        spans: tuple[Span, ...] = (),
    ) -> Verdict:
        evidence: dict[str, float | int | str] = {
            "confidence": offset.confidence if offset is not None else 0.0,
            "picture_onsets": len(seen or ()),
            "sound_onsets": len(heard or ()),
        }
        if offset is not None:
            evidence["offset_ms"] = -1000 * offset.seconds
            evidence["offset_low_ms"] = -1000 * offset.high
            evidence["offset_high_ms"] = -1000 * offset.low
            evidence["matched"] = offset.pairs
        return Verdict("sync", score, THRESHOLD, message, spans, evidence)


def _is_beside(offset: Offset) -> bool:
    """Whether a beat, which fits at several offsets, surely fits at none within the limits."""
    least = BEAT_FIT if offset.pairs > 1 else PAIR_FIT
    return offset.fit >= least and offset.inside <= BEAT_INSIDE * offset.fit


CHECK = SyncCheck()
