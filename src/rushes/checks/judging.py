"""Bases of judges that look at the picture alone, or at the sound alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rushes.checks.base import Frame, Samples


class PictureJudge:
    """Does not listen."""

    def hear_samples(self, seconds: float, samples: Samples, rate: int) -> None:
        """Sound is not looked at."""


class SoundJudge:
    """Does not look."""

    def see_frame(self, seconds: float, frame: Frame) -> None:
        """The picture is not looked at."""


def rate_excess(measured: float, limit: float) -> float:
    """A score for what should be small: 1 at nothing, 0.5 at the limit, towards 0 beyond."""
    return 1 / (1 + max(0.0, measured) / limit)


NO_PICTURE = "there is no picture to judge"
NO_SOUND = "there is no sound to judge"
HALF = 0.5
"""The threshold of scores by ``rate_excess``: what was measured is at most its limit."""
