"""banding: smooth gradients that show as stairs.

Along rows and columns of a frame, a staircase is three or more bands of one level each, at least
four pixels wide, that go up or down by 2 to 12 levels one after the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rushes.checks.base import Expectation, Judge, Verdict
from rushes.checks.judging import HALF, NO_PICTURE, PictureJudge, rate_excess
from rushes.checks.timeline import Run, RunCollector, frame_seconds_of, make_spans

if TYPE_CHECKING:
    from rushes.checks.base import Frame
    from rushes.media import MediaInfo

LOOKS_A_SECOND = 2.0
"""Bands last."""
SHARE = 0.1
"""A tenth of the picture in stairs, as the mean over the clip, fails."""
THRESHOLD = HALF


class BandingCheck:
    """Gradients are smooth."""

    name = "banding"
    version = 1
    about = "gradients that show as stairs"

    def judge(self, info: MediaInfo, expect: Expectation | None) -> Judge:
        """A fresh judge for one file."""
        return BandingJudge(info)


class BandingJudge(PictureJudge):
    """Looks at two frames a second."""

    def __init__(self, info: MediaInfo) -> None:
        self._info = info
        self._collector = RunCollector(max(1 / LOOKS_A_SECOND, frame_seconds_of(info)))
        self._next = 0.0
        self._sum = 0.0

    def see_frame(self, seconds: float, frame: Frame) -> None:
        from rushes.checks import edges

        if seconds < self._next:
            return
        self._next = seconds + 1 / LOOKS_A_SECOND - 1e-6
        share = edges.share_banded(frame)
        self._sum += share
        self._collector.see(seconds, "bands" if share > SHARE else "")

    def give_verdict(self) -> Verdict:
        runs: list[Run] = self._collector.finish()
        frames = self._collector.frames
        share = self._sum / max(1, frames)
        message = "gradients are smooth"
        if not frames:
            message = NO_PICTURE
        elif share > SHARE:
            message = f"{share:.0%} of the picture shows as bands"
        return Verdict(
            "banding",
            rate_excess(share, SHARE) if frames else 0.0,
            THRESHOLD,
            message,
            make_spans(runs, self._info) if share > SHARE else (),
            {"banded_share": share, "frames": frames},
        )


CHECK = BandingCheck()
