"""Where what stands on a plain ground is, computed once for all checks that follow it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rushes.checks.views import View

CONTENT_LEVELS = 24
"""A pixel this far off the ground's colour belongs to what stands on it."""
PLAIN_SHARE = 0.6
"""With less of the picture in its ground's colour there is no plain ground."""
LEAST_SHARE = 0.002
"""Less of the picture than this is nothing that could be followed."""


@dataclass(frozen=True, slots=True)
class Place:
    """What stands on the ground of a view.

    Args:
        plain: whether there is a plain ground at all.
        share: of the picture that stands on it.
        x, y: its middle in pixels of the view; no numbers where there is nothing, or no ground.
    """

    plain: bool
    share: float
    x: float = math.nan
    y: float = math.nan

    @property
    def known(self) -> bool:
        """Whether there is something to follow."""
        return math.isfinite(self.x)


_place: tuple[View, Place] | None = None


def locate(view: View) -> Place:
    """Where things stand in a view; remembered for the last one."""
    global _place
    last = _place
    if last is not None and last[0] is view:
        return last[1]
    place = _measure(view)
    _place = (view, place)
    return place


def _measure(view: View) -> Place:
    ground = np.median(view.rgb.reshape(-1, 3), axis=0).astype(np.int16)
    apart = np.abs(view.rgb.astype(np.int16) - ground).max(axis=2)
    weight = np.clip((apart - CONTENT_LEVELS) / 24.0, 0, 1)
    share = float(weight.mean())
    if share > 1 - PLAIN_SHARE:
        return Place(False, share)
    if share < LEAST_SHARE:
        return Place(True, share)
    rows, columns = np.indices(weight.shape)
    total = weight.sum()
    x, y = (columns * weight).sum() / total, (rows * weight).sum() / total
    return Place(True, share, float(x), float(y))
