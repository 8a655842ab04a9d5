"""The picture's colour followed through time along its motion, step by step.

A step's tint is the mean change of colour of what could be followed from one frame to the next, so
neither motion nor what appears sways it; summed up, it is how far the light has drifted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rushes.checks.base import Frame
    from rushes.checks.views import View

FOLLOWED_RESIDUAL = 12.0
"""Mean levels along the motion above which two frames show different things: a cut."""


class ColourTracker:
    """``level``: (3,) float32 R, G, B since the first frame, in levels."""

    def __init__(self) -> None:
        self._last: View | None = None
        self.level: NDArray[np.float32] | None = None
        self._first: NDArray[np.float32] | None = None
        self.frames = 0

    def see(self, frame: Frame, *, ignore: bool = False) -> NDArray[np.float32]:
        """The level after this frame; ``ignore`` the step to it, as at the join of a film."""
        import numpy as np

        from rushes.checks import views

        view, before = views.look_at(frame), self._last
        self._last = view
        self.frames += 1
        if self.level is None:
            self.level = np.zeros(3, np.float32)
        step = views.compare(before, view) if before is not None else None
        if step is not None and not ignore and step.residual < FOLLOWED_RESIDUAL:
            self.level = self.level + step.tint
        return self.level

    def see_whole(self, frame: Frame) -> NDArray[np.float32]:
        """Change of the whole picture's mean colour since the first frame, (3,) float32 levels."""
        from rushes.checks import views

        mean = views.mean_colour(views.look_at(frame))
        if self._first is None:
            self._first = mean
        return mean - self._first
