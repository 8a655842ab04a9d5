"""sharpness: the picture's sharpest edges are wide.

An edge's width is the contrast around it divided by its steepest slope, so it depends neither on
what is shown nor on how strong its contrasts are. Backgrounds may be out of focus and things may
move: a frame is judged by its sharpest edges, and a clip by its blurred share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rushes.checks.base import Expectation, Judge, Verdict
from rushes.checks.judging import NO_PICTURE, PictureJudge
from rushes.checks.timeline import RunCollector, frame_seconds_of, make_spans

if TYPE_CHECKING:
    from rushes.checks.base import Frame
    from rushes.media import MediaInfo

LOOKS_A_SECOND = 3.0
"""Blur lasts; so many frames a second are enough."""
WIDTH_PIXELS = 8.5
"""A drawn edge is 2 pixels wide as it is measured here, camera footage at 480 lines 2 to 8, and a
Gaussian blur of s pixels makes it 2.5 s."""
THRESHOLD = 0.7
"""Up to a third of a clip may be blurred: whip pans and pulls of focus are."""


class SharpnessCheck:
    """The picture is in focus."""

    name = "sharpness"
    version = 1
    about = "blurred pictures"

    def judge(self, info: MediaInfo, expect: Expectation | None) -> Judge:
        """A fresh judge for one file."""
        return SharpnessJudge(info)


class SharpnessJudge(PictureJudge):
    """Looks at three frames a second."""

    def __init__(self, info: MediaInfo) -> None:
        self._info = info
        self._collector = RunCollector(max(1 / LOOKS_A_SECOND, frame_seconds_of(info)))
        self._next = 0.0
        self._blurred = 0
        self._judged = 0
        self._widest = 0.0

    def see_frame(self, seconds: float, frame: Frame) -> None:
        from rushes.checks import edges

        if seconds < self._next:
            return
        self._next = seconds + 1 / LOOKS_A_SECOND - 1e-6
        width = edges.measure_width(frame)
        blurred = width > WIDTH_PIXELS
        self._judged += width > 0
        self._blurred += blurred
        self._widest = max(self._widest, width)
        self._collector.see(seconds, "blurred" if blurred else "")

    def give_verdict(self) -> Verdict:
        runs = self._collector.finish()
        share = self._blurred / max(1, self._collector.frames)
        score = 1 - share if self._collector.frames else 0.0
        message = "edges are sharp" if self._judged else "there are no edges to judge by"
        if not self._collector.frames:
            message = NO_PICTURE
        elif score < THRESHOLD:
            message = f"{share:.0%} of the frames are blurred"
        return Verdict(
            "sharpness",
            score,
            THRESHOLD,
            message,
            make_spans(runs, self._info) if score < THRESHOLD else (),
            {
                "blurred_share": share,
                "widest_edge_pixels": self._widest,
                "frames": self._collector.frames,
            },
        )


CHECK = SharpnessCheck()
