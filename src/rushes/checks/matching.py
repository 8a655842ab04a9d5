"""By how much the beginnings of one kind lie before those of another. Pure arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

REACH_SECONDS = 0.6
"""Offsets up to this are looked for."""
GRID_SECONDS = 0.005
SOFT_SECONDS = 0.03
"""What misses an interval by this still counts a little: attacks are not heard to the hop."""
TRIES = 20
"""Offsets that are looked for and do not depend on each other: the reach over ``SOFT_SECONDS``."""
APART_SECONDS = 0.1
"""Two offsets closer than this are one answer."""
COMPLETE, LEAST_EARNED = 0.9, 2 / 3
"""Where so much of all is matched, luck takes no more than it does from a single pair."""
OUTSIDE = 0.25
"""What an offset moves out of the time in which the other could be noticed counts so much where it
is not matched. Not nothing: else the farthest offset, which leaves one pair, would fit best."""

Time = tuple[float, float]
"""From when to when, in seconds, beginnings can be noticed."""
EVER: Time = (-math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Onset:
    """Something begins between two moments, in seconds; ``strength`` 0 to 1."""

    start: float
    end: float
    strength: float


@dataclass(frozen=True, slots=True)
class Offset:
    """How far sound comes after picture.

    Args:
        seconds: positive where the sound is late.
        low, high: offsets that fit nearly as well, around it.
        confidence: 0 to 1: how much of both was matched, whether no other offset does as well, and
            how unlikely it is that so much matches by luck.
        pairs: beginnings that were matched.
        fit: 0 to 1: how much of both was matched, less what luck would match.
        inside: the same at the best offset that the caller allows.
    """

    seconds: float
    low: float
    high: float
    confidence: float
    pairs: int
    fit: float = 0.0
    inside: float = 0.0


def find_offset(
    seen: Sequence[Onset],
    heard: Sequence[Onset],
    allowed: tuple[float, float] = (0.0, 0.0),
    seen_time: Time = EVER,
    heard_time: Time = EVER,
) -> Offset | None:
    """The offset at which most of what is heard is seen; None where there is nothing to match.

    Args:
        allowed: the stretch of offsets, in seconds, whose best fit ``inside`` is.
        seen_time, heard_time: when something that begins would be noticed.
    """
    if not seen or not heard:
        return None
    count = round(REACH_SECONDS / GRID_SECONDS)
    grid = [n * GRID_SECONDS for n in range(-count, count + 1)]
    matcher = _Matcher(seen, heard, seen_time, heard_time)
    fits = [matcher.fit(offset) for offset in grid]
    best = max(fits)
    if best <= 0:
        return None
    # where several fit as well, the smallest is the likeliest
    at = min((abs(grid[n]), n) for n, fit in enumerate(fits) if fit >= 0.995 * best)[1]
    low = high = at
    while low > 0 and fits[low - 1] >= 0.9 * fits[at]:
        low -= 1
    while high + 1 < len(grid) and fits[high + 1] >= 0.9 * fits[at]:
        high += 1
    others = [
        fit
        for n, fit in enumerate(fits)
        if grid[n] < grid[low] - APART_SECONDS or grid[n] > grid[high] + APART_SECONDS
    ]
    clear = 1 - max(others, default=0.0) / best
    pairs = matcher.count_pairs(grid[at])
    earned = max(1 - _find_luck(seen, heard, pairs), LEAST_EARNED if best >= COMPLETE else 0.0)
    confidence = earned * best * min(1.0, 2 * clear) * min(1.0, (pairs + 1) / 3)
    middle = (grid[low] + grid[high]) / 2
    inside = max(
        (fit for offset, fit in zip(grid, fits, strict=True) if allowed[0] <= offset <= allowed[1]),
        default=0.0,
    )
    return Offset(middle, grid[low], grid[high], confidence, pairs, earned * best, earned * inside)


def _find_luck(seen: Sequence[Onset], heard: Sequence[Onset], pairs: int) -> float:
    """The chance, at most 1, that so many beginnings match at one of the offsets by themselves.

    Where the picture is restless, its beginnings cover so much of the time that any sound fits
    somewhere. A single pair is left to the other measures.
    """
    if pairs < 2:
        return 0.0
    ends = [onset.end for onset in (*seen, *heard)]
    span = max(1.0, max(ends) - min(onset.start for onset in (*seen, *heard)))
    covered = sum(onset.end - onset.start + SOFT_SECONDS for onset in seen) / span
    return min(1.0, TRIES * min(1.0, covered) ** pairs)


class _Matcher:
    """Beginnings sorted once, to be matched at many offsets."""

    def __init__(
        self, seen: Sequence[Onset], heard: Sequence[Onset], seen_time: Time, heard_time: Time
    ) -> None:
        seen, heard = sorted(seen, key=_start), sorted(heard, key=_start)
        self._starts, self._ends = _take(seen, "start"), _take(seen, "end")
        self._latest = np.maximum.accumulate(self._ends)
        self._points = _take(heard, "start")
        self._seen, self._heard = _take(seen, "strength"), _take(heard, "strength")
        self._seen_time, self._heard_time = seen_time, heard_time

    def fit(self, offset: float) -> float:
        """Share of what is heard that is seen, times that of what is seen that is heard; root."""
        found = self._find_heard(offset)
        heard = _share(self._heard, found, self._points - offset, self._seen_time)
        reached = self._find_seen(offset)
        middles = (self._starts + self._ends) / 2 + offset
        seen = _share(self._seen, reached, middles, self._heard_time)
        return math.sqrt(heard * seen)

    def count_pairs(self, offset: float) -> int:
        return int((self._find_heard(offset) > 0.5).sum())

    def _find_heard(self, offset: float) -> NDArray[np.float64]:
        """How well each sound is in one of the intervals of the picture, 0 to 1."""
        at = self._points - offset
        following = np.searchsorted(self._starts, at, side="right")
        behind = np.where(following > 0, at - self._latest[following - 1], math.inf)
        last = len(self._starts) - 1
        ahead = self._starts[np.minimum(following, last)] - at
        ahead = np.where(following > last, math.inf, ahead)
        return _closeness(np.minimum(behind, ahead))

    def _find_seen(self, offset: float) -> NDArray[np.float64]:
        """How well each interval of the picture holds one of the sounds, 0 to 1."""
        start, end = self._starts + offset, self._ends + offset
        following = np.searchsorted(self._points, start, side="left")
        last = len(self._points) - 1
        ahead = self._points[np.minimum(following, last)] - end
        ahead = np.where(following > last, math.inf, ahead)
        behind = np.where(following > 0, start - self._points[following - 1], math.inf)
        return _closeness(np.minimum(behind, ahead))


def _start(onset: Onset) -> float:
    return onset.start


def _take(onsets: Sequence[Onset], name: str) -> NDArray[np.float64]:
    return np.array([getattr(onset, name) for onset in onsets], np.float64)


def _closeness(miss: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(1 - np.maximum(miss, 0.0) / SOFT_SECONDS, 0.0, 1.0)


def _share(
    strength: NDArray[np.float64],
    matched: NDArray[np.float64],
    moved: NDArray[np.float64],
    time: Time,
) -> float:
    """Of the strength of beginnings, what is matched; those moved out of time count less."""
    inside = (moved >= time[0]) & (moved <= time[1])
    counted = np.maximum(matched, np.where(inside, 1.0, OUTSIDE))
    return float((strength * matched).sum() / (strength * counted).sum())
