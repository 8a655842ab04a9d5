"""nudity: bare bodies, as far as NudeNet's bundled detector can tell.

A bounded number of frames, chosen by content, are looked at. Only parts that it calls exposed
count, and of these neither a man's chest nor bellies, feet and armpits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rushes.checks.base import Expectation, Judge, Span, Verdict
from rushes.checks.choosing import ChoosingJudge
from rushes.checks.judging import HALF, NO_PICTURE
from rushes.checks.timeline import within

if TYPE_CHECKING:
    from rushes.media import MediaInfo

MOST_FRAMES = 16
"""So many are looked at, at most, however long the clip is: one takes 0.1 s."""
THRESHOLD = HALF
"""Of one minus the detector's own confidence. The detector lists what it finds from 0.25 on; at
0.5 a clip is refused, what lies between is in the evidence."""


class NudityCheck:
    """Nobody is bare."""

    name = "nudity"
    version = 1
    about = "bare bodies"
    packages = ("nudenet", "onnxruntime")
    extra = "rushes[nudity]"

    def judge(self, info: MediaInfo, expect: Expectation | None) -> Judge:
        """A fresh judge for one file."""
        return NudityJudge(info)


class NudityJudge(ChoosingJudge):
    """Keeps the frames that are looked at."""

    def __init__(self, info: MediaInfo) -> None:
        super().__init__(info, MOST_FRAMES)

    def give_verdict(self) -> Verdict:
        from rushes.checks.bodies import find_bare
        from rushes.checks.chosen_frames import FrameChooser

        if not isinstance(self._chooser, FrameChooser):
            return Verdict("nudity", 0.0, THRESHOLD, NO_PICTURE)
        chosen = self._chooser.choose()
        found = [find_bare(each.frame) for each in chosen]
        ends = [each.seconds for each in chosen[1:]] + [self._end]
        worst = max(found, key=lambda part: part.confidence)
        bare = [
            Span(each.seconds, end, part.name)
            for each, end, part in zip(chosen, ends, found, strict=True)
            if 1 - part.confidence < THRESHOLD
        ]
        message = "no bare bodies are found"
        if bare:
            message = f"a bare body at {bare[0].start_seconds:.2f} s ({worst.name})"
        return Verdict(
            "nudity",
            1 - worst.confidence,
            THRESHOLD,
            message,
            within(bare, self._info),
            {
                "part": worst.name,
                "confidence": worst.confidence,
                "frames_looked_at": len(chosen),
                "frames": self._frames,
            },
        )


CHECK = NudityCheck()
