"""When something begins to be seen: what appears, and what strikes or turns round.

Frames show only that something happened between two of them, so each beginning is an interval.
Where a thing turns round, its ways before and after are carried on to where they meet, which is
finer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rushes.checks import views
from rushes.checks.matching import Onset
from rushes.checks.things import LEAST_SHARE, locate

if TYPE_CHECKING:
    from rushes.checks.base import Frame

APPEAR_LEVELS = 0.4
"""A step that changes this much more than those before it, in mean levels, shows what is new."""
APPEAR_TIMES = 3.0
USUAL_STEPS = 3
GROWN = 1.2
"""With fewer steps before than ``USUAL_STEPS``, only what makes the content grow so is new."""
TURN = 0.9
"""Change of velocity over the usual speed: 2 for a bounce, 0.4 for a fast circle at 16 fps."""
SHARPEST_SHARE = 0.5
"""Of the sharpest turn of the clip: where things strike, the wobble between is no beginning."""
LEAST_PIXELS = 1.0
"""A smaller change of velocity, a frame, is the wobble of what grows, shrinks or is encoded."""
APART = 3
"""Intervals from a turn to those that do not touch it."""
SURE_SECONDS = 0.012
"""How exactly a turn is known where ways are carried on to where they meet."""
MAX_SECONDS = 600.0
"""Picture after ten minutes is not kept, so that memory stays bounded."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A frame: its time, what is new in it, content share, and where its things are (pixels)."""

    seconds: float
    change: float
    content: float
    x: float
    y: float


class PictureOnsets:
    """Keeps five numbers a frame."""

    def __init__(self) -> None:
        self._last: views.View | None = None
        self._seen: list[_Seen] = []
        self._way = np.zeros(2)
        self.largest_change = 0.0

    def see(self, seconds: float, frame: Frame) -> None:
        """One more frame, (H, W, 3) uint8 RGB."""
        if self._seen and seconds - self._seen[0].seconds > MAX_SECONDS:
            return
        view, before = views.look_at(frame), self._last
        self._last = view
        step = views.compare(before, view) if before is not None else None
        change = step.change + abs(step.shift) if step is not None else 0.0
        self.largest_change = max(self.largest_change, change)
        place = locate(view)
        x, y = place.x, place.y
        if not place.plain and step is not None:
            self._way = self._way - _mean_flow(step)
            x, y = float(self._way[0]), float(self._way[1])
        self._seen.append(_Seen(seconds, change, place.share, x, y))

    def find(self) -> list[Onset]:
        """Beginnings in order of time."""
        return sorted([*self._find_appearing(), *self._find_turning()], key=lambda o: o.start)

    def _find_appearing(self) -> list[Onset]:
        found: list[Onset] = []
        for n in range(2, len(self._seen)):
            now, last = self._seen[n], self._seen[n - 1]
            before = self._seen[max(1, n - USUAL_STEPS) : n]
            usual = max((s.change for s in before), default=0.0)
            if now.change < usual * APPEAR_TIMES + APPEAR_LEVELS:
                continue
            if now.content + 0.01 < last.content:
                continue  # what goes away is not heard
            if n <= USUAL_STEPS and now.content < GROWN * last.content + LEAST_SHARE:
                continue  # too little was seen before to know what is usual
            found.append(Onset(last.seconds, now.seconds, min(1.0, 0.5 + now.change / 10)))
        return found

    def _find_turning(self) -> list[Onset]:
        places = np.array([(s.x, s.y) for s in self._seen])
        times = np.array([s.seconds for s in self._seen])
        if len(places) < 4:
            return []
        steps = np.diff(places, axis=0)
        speeds = np.hypot(steps[:, 0], steps[:, 1])
        moving = speeds[np.isfinite(speeds) & (speeds > 0.2)]
        if not len(moving):
            return []
        usual = float(np.median(moving))
        turns = _measure_turns(steps, speeds, usual)
        least = max(TURN, SHARPEST_SHARE * float(turns.max()))
        return [
            Onset(at - SURE_SECONDS, at + SURE_SECONDS, min(1.0, float(turns[k]) / 2))
            for k in range(1, len(steps) - 1)
            if turns[k] >= least and turns[k] >= turns[max(0, k - 2) : k + 3].max()
            for at in (_meet(places, times, k),)
        ]


def _measure_turns(
    steps: NDArray[np.float64], speeds: NDArray[np.float64], usual: float
) -> NDArray[np.float64]:
    """Change of velocity over each interval between frames, in units of the usual speed."""
    turns = np.zeros(len(steps))
    for k in range(1, len(steps) - 1):
        around = steps[k - 1], steps[k + 1]
        if not np.isfinite(around).all() or not np.isfinite(steps[k]).all():
            continue
        if max(speeds[k - 1], speeds[k], speeds[k + 1]) > 8 * max(usual, 1.0):
            continue  # another thing, not another way
        off = _break_off(steps, k)
        if off < LEAST_PIXELS:
            continue
        turns[k] = off / max(usual, 0.5 * (speeds[k - 1] + speeds[k + 1]))
    return turns


def _break_off(steps: NDArray[np.float64], k: int) -> float:
    """Change of velocity over an interval, less what goes on before or after it, pixels a frame.

    What flies or swings changes its velocity all the time; where it strikes, only there.
    """
    bend = steps[k + 1] - steps[k - 1]
    around = (
        steps[n + 1] - steps[n - 1] for n in (k - APART, k + APART) if 1 <= n < len(steps) - 1
    )
    rests = [bend, *(bend - other for other in around if np.isfinite(other).all())]
    return min(float(np.hypot(rest[0], rest[1])) for rest in rests)


def _meet(places: NDArray[np.float64], times: NDArray[np.float64], k: int) -> float:
    """When, between frames k and k + 1, the way before meets the way after."""
    before, after = places[k] - places[k - 1], places[k + 2] - places[k + 1]
    bend = before - after
    length = float(bend @ bend)
    share = float((places[k + 1] - after - places[k]) @ bend) / length if length > 1e-9 else 0.5
    return float(times[k] + min(1.0, max(0.0, share)) * (times[k + 1] - times[k]))


def _mean_flow(step: views.Step) -> NDArray[np.float64]:
    """Mean flow of what moves, pixels of the view."""
    length = np.hypot(step.flow[..., 0], step.flow[..., 1])
    moving = length > max(0.3, 2 * float(np.median(length)))
    if not moving.any():
        return np.zeros(2)
    return np.asarray(step.flow[moving].mean(axis=0), dtype=np.float64)
