"""By how much the beginnings of one kind lie before those of another. Pure arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

REACH_SECONDS = 0.6
"""Offsets up to this are looked for."""
GRID_SECONDS = 0.005
SOFT_SECONDS = 0.03
"""What misses an interval by this still counts a little: attacks are not heard to the hop."""
TRIES = 20
"""Offsets that are looked for and do not depend on each other: the reach over ``SOFT_SECONDS``."""
APART_SECONDS = 0.1
"""Two offsets closer than this are one answer."""


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
    seen: Sequence[Onset], heard: Sequence[Onset], allowed: tuple[float, float] = (0.0, 0.0)
) -> Offset | None:
    """The offset at which most of what is heard is seen; None where there is nothing to match.

    Args:
        allowed: the stretch of offsets, in seconds, whose best fit ``inside`` is.
    """
    if not seen or not heard:
        return None
    count = round(REACH_SECONDS / GRID_SECONDS)
    grid = [n * GRID_SECONDS for n in range(-count, count + 1)]
    fits = [_fit(seen, heard, offset) for offset in grid]
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
    pairs = sum(_nearest(seen, onset.start - grid[at]) > 0.5 for onset in heard)
    earned = 1 - _find_luck(seen, heard, pairs)
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


def _fit(seen: Sequence[Onset], heard: Sequence[Onset], offset: float) -> float:
    """Share of what is heard that is seen, times share of what is seen that is heard; root of it.

    What the offset moves out of the other's time cannot be matched, and still counts: else the
    farthest offset, which leaves one pair, would fit best.
    """
    heard_total = sum(onset.strength for onset in heard)
    seen_total = sum(onset.strength for onset in seen)
    heard_matched = sum(o.strength * _nearest(seen, o.start - offset) for o in heard)
    seen_matched = sum(o.strength * _reach(o, heard, offset) for o in seen)
    return math.sqrt(heard_matched / heard_total * seen_matched / seen_total)


def _nearest(seen: Sequence[Onset], seconds: float) -> float:
    """How well a moment is in one of the intervals, 0 to 1."""
    return max(_inside(onset, seconds) for onset in seen)


def _reach(onset: Onset, heard: Sequence[Onset], offset: float) -> float:
    return max(_inside(onset, sound.start - offset) for sound in heard)


def _inside(onset: Onset, seconds: float) -> float:
    miss = max(onset.start - seconds, seconds - onset.end, 0.0)
    return max(0.0, 1 - miss / SOFT_SECONDS)
