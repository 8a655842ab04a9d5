"""reference: what the shot was given as pictures is kept.

A picture that a frame has to show is held against that frame, place by place. A reference that no
frame has to show may be turned, lit and cut anew: there only its colours are looked for, which says
that something like it is there, not that it is the same person or thing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rushes.checks.base import Expectation, Judge, Span, Verdict
from rushes.checks.judging import HALF, NO_PICTURE, PictureJudge
from rushes.checks.timeline import frame_seconds_of, within

if TYPE_CHECKING:
    from pathlib import Path

    from rushes.checks.base import Frame
    from rushes.checks.chosen_frames import FrameChooser
    from rushes.media import MediaInfo

MOST_FRAMES = 8
"""Frames in which a reference's colours are looked for."""
THRESHOLD = HALF
"""Half of what is in the picture is in the frame; of a reference's colours, half are found."""


class ReferenceCheck:
    """The given pictures are kept."""

    name = "reference"
    version = 1
    about = "pictures that the shot was given and does not keep"
    compares_pictures = True

    def judge(self, info: MediaInfo, expect: Expectation | None) -> Judge:
        """A fresh judge for one file."""
        return ReferenceJudge(info, expect)


class ReferenceJudge(PictureJudge):
    """Rates the frames that have to show something as they go by; keeps a few others."""

    def __init__(self, info: MediaInfo, expect: Expectation | None) -> None:
        self._info = info
        given = expect.pictures if expect is not None else ()
        self._pictures = [(frame, path) for frame, path in given if frame >= 0]
        self._references = [path for frame, path in given if frame < 0]
        self._step = frame_seconds_of(info)
        self._chooser: FrameChooser | None = None
        self._kept: dict[str, float] = {}
        self._spans: list[Span] = []
        self._frames = 0

    def see_frame(self, seconds: float, frame: Frame) -> None:
        from rushes.checks.resemblance import rate_picture, read_picture

        for at, path in self._pictures:
            if at == self._frames:
                kept = rate_picture(read_picture(path, frame.shape[:2]), frame)
                self._kept[f"frame {at}"] = kept
                if kept < THRESHOLD:
                    self._spans.append(Span(seconds, seconds + self._step, "not as given"))
        self._frames += 1
        if self._references:
            self._choose(seconds, frame)

    def give_verdict(self) -> Verdict:
        if not self._frames:
            return Verdict("reference", 0.0, THRESHOLD, NO_PICTURE)
        for at, _ in self._pictures:
            self._kept.setdefault(f"frame {at}", 0.0)
        for number, path in enumerate(self._references):
            self._kept[f"reference {number}"] = self._rate_reference(path)
        if not self._kept:
            return Verdict("reference", 1.0, THRESHOLD, "no picture was given")
        worst = min(self._kept, key=self._kept.__getitem__)
        score = self._kept[worst]
        message = "the given pictures are kept"
        if score < THRESHOLD:
            message = f"{worst} does not keep the picture that was given"
            if worst.startswith("reference"):
                message = f"the colours of {worst} are not found"
        evidence: dict[str, float | int | str] = {
            f"{name.replace(' ', '_')}_kept_share": share for name, share in self._kept.items()
        }
        spans = within(self._spans, self._info) if score < THRESHOLD else ()
        return Verdict("reference", score, THRESHOLD, message, spans, evidence)

    def _choose(self, seconds: float, frame: Frame) -> None:
        from rushes.checks.chosen_frames import FrameChooser

        if self._chooser is None:
            self._chooser = FrameChooser(MOST_FRAMES)
        self._chooser.see(seconds, frame)

    def _rate_reference(self, path: Path) -> float:
        """The share of a reference's colours in the frame that has the most of them."""
        from rushes.checks.resemblance import rate_colours, read_picture

        chosen = self._chooser.choose() if self._chooser is not None else []
        picture = read_picture(path, None)
        return max((rate_colours(picture, each.frame) for each in chosen), default=0.0)


CHECK = ReferenceCheck()
