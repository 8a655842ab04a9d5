"""Parts of a file that is too long to be read at once, and intervals made of what they said."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

Span = tuple[float, float]
"""(start, end) in seconds of the file."""

SHORTEST_SECONDS = 0.25
"""A scene shorter than this belongs to the one before it."""


def join_short(scenes: Sequence[Span], shortest: float = SHORTEST_SECONDS) -> list[Span]:
    """Scenes of which none but an only one is shorter than ``shortest``."""
    joined: list[Span] = []
    for start, end in scenes:
        if joined and (end - start < shortest or joined[-1][1] - joined[-1][0] < shortest):
            joined[-1] = joined[-1][0], end
        else:
            joined.append((start, end))
    return joined


def cut_windows(scene: Span, seconds: float) -> list[Span]:
    """A scene as windows of at most ``seconds`` of equal length; each moment of a scene that needs
    several lies in two of them, but for the first and the last half window."""
    start, end = scene
    length = end - start
    if length <= seconds:
        return [scene]
    steps = -(-length // (seconds / 2))
    step = length / steps
    count = int(steps) - 1
    edges = [start + k * step for k in range(count)]
    return [(edge, end if k == count - 1 else edge + 2 * step) for k, edge in enumerate(edges)]


def split_window(window: Span, edges: Iterable[float], shortest: float) -> list[Span]:
    """A window as the pieces between those edges that lie in it, none shorter than ``shortest``.

    A shorter one at its start or end is left out: it belongs to what the window beside it shows.
    """
    start, end = window
    inside = sorted(edge for edge in edges if start < edge < end)
    pieces = list(itertools.pairwise([start, *inside, end]))
    long = [k for k, (first, last) in enumerate(pieces) if last - first >= shortest]
    if not long:
        return [window]
    return join_short(pieces[long[0] : long[-1] + 1], shortest)


def place_windows(windows: Sequence[Span], reels: Sequence[Span]) -> list[tuple[Span, list[Span]]]:
    """Windows in order by the reel that holds them whole; one that none holds is its own reel.

    So what is looked at again is looked at in the same frames.
    """
    placed: dict[Span, list[Span]] = {}
    for window in windows:
        holding = (r for r in reels if r[0] <= window[0] and window[1] <= r[1])
        placed.setdefault(next(holding, window), []).append(window)
    return list(placed.items())


def group_windows(windows: Sequence[Span], seconds: float) -> list[list[Span]]:
    """Windows in order, in groups that are at most ``seconds`` long, or of one window."""
    groups: list[list[Span]] = []
    for window in windows:
        if groups and window[1] - groups[-1][0][0] <= seconds:
            groups[-1].append(window)
        else:
            groups.append([window])
    return groups


def merge_scores(
    scored: Iterable[tuple[Span, float]], threshold: float
) -> list[tuple[float, float, float]]:
    """Intervals in which the mean of the windows' scores reaches a threshold.

    Returns:
        (start, end, the highest mean in it), in order; what touches is one.
    """
    windows = list(scored)
    edges = sorted({edge for (start, end), _ in windows for edge in (start, end)})
    found: list[tuple[float, float, float]] = []
    for start, end in itertools.pairwise(edges):
        over = [score for (first, last), score in windows if first <= start and end <= last]
        if not over or (mean := sum(over) / len(over)) < threshold:
            continue
        if found and found[-1][1] == start:
            found[-1] = found[-1][0], end, max(found[-1][2], mean)
        else:
            found.append((start, end, mean))
    return found


def overlap(a: Span, b: Span) -> float:
    """Intersection over union of two intervals, 0 to 1."""
    common = min(a[1], b[1]) - max(a[0], b[0])
    union = max(a[1], b[1]) - min(a[0], b[0])
    return max(common, 0.0) / union if union > 0 else 0.0
