"""Letterbox: black bars at opposite sides of the picture, the same in all its frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rushes.checks.base import Frame

BAR_LUMA = 24
"""Video's black is 16 in limited range; a row this dark from end to end is black."""
LIT_SHARE = 0.02
"""A row with fewer pixels that are brighter is black all the same: noise of lossy codecs."""
CONTENT_LUMA = 40
"""Beside a bar, half of the row's pixels reach this in some frame; a dark scene's do not."""
LEAST_SHARE = 0.02
"""Bars of less than a fiftieth of the side are blanking lines, which scanned footage has."""


class BarFinder:
    """Remembers which rows and columns were ever lit, and which were ever full of content."""

    def __init__(self) -> None:
        self._seen: list[tuple[NDArray[np.bool_], NDArray[np.bool_]] | None] = [None, None]

    def see(self, frame: Frame) -> None:
        """One more frame, (H, W, 3) uint8 RGB."""
        from rushes.checks import views

        luma = views.look_at(frame).luma
        bright, content = luma > BAR_LUMA, luma >= CONTENT_LUMA
        for axis in (0, 1):
            lit = bright.mean(axis=1 - axis) > LIT_SHARE
            full = content.mean(axis=1 - axis) >= 0.5
            before = self._seen[axis]
            if before is not None and before[0].shape == lit.shape:
                lit, full = lit | before[0], full | before[1]
            self._seen[axis] = (lit, full)

    def measure(self) -> float:
        """Share of the picture that is bars, 0 to 1."""
        return max(_bars_of(seen) for seen in self._seen)


def _bars_of(seen: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None) -> float:
    """Bars at both ends: black, and content right beside them and in most of what is between."""
    import numpy as np

    if seen is None:
        return 0.0
    lit, full = seen
    places = np.flatnonzero(lit)
    if not len(places):
        return 0.0  # all black is a matter of its own
    first, last, count = int(places[0]), int(places[-1]), len(lit)
    ends = first, count - 1 - last
    if min(ends) < LEAST_SHARE * count:
        return 0.0
    edge = max(2, round(0.03 * count))
    beside = full[first : first + edge].any() and full[last + 1 - edge : last + 1].any()
    return sum(ends) / count if beside and full[first : last + 1].mean() > 0.5 else 0.0
