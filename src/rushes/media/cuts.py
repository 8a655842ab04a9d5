"""Where one scene of a file ends and another begins.

Every frame is decoded and made small. A cut is where two neighbours differ much, and much more than
the frames around them do: quick motion and flicker are not cuts. A fade is none either.

Two scenes in front of the same background differ little, often less than something that moves.
What moves keeps its colours: with the pixels of both frames sorted by their levels, it hardly
counts, and what was replaced by something else does. Such a step is a suspected cut, unless the
picture soon is what it was before, as when a light blinks. A caption that comes up looks the same;
so who needs to know looks closer.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rushes.media.reading import OnDamage
from rushes.media.seeking import FrameCursor

SIDE = 32
"""Pixels a side of what is compared: camera shake and noise are gone at this size."""
LEAST = 14.0
"""Levels of 255 by which frames differ on average across a cut, at least. Two unrelated frames of
the same room in the same light are about this far apart."""
TIMES = 4.0
"""A cut differs so many times as much as the frames around it."""
AROUND = 6
"""Frames on each side that it is compared with."""
LEAST_SORTED, TIMES_SORTED = 3.0, 6.0
"""The same for a suspected cut, of sorted pixels: a thirtieth of the picture in another colour."""
BACK_SECONDS = 1.0
"""A picture that is back so soon was not cut away from."""
BACK = 0.3
"""Back is a picture within this share of the step."""

Levels = NDArray[np.int16]
"""(3, SIDE * SIDE): the pixels of a frame, sorted in each channel."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """Where scenes begin, in seconds.

    Args:
        starts: the first frame's time, and of every cut; empty for a file without frames.
        suspected: of what may be cuts beside them.
        last: the time of the last frame.
    """

    starts: tuple[float, ...]
    suspected: tuple[float, ...]
    last: float


def find_cuts(
    path: str | Path,
    start_seconds: float = 0.0,
    end_seconds: float | None = None,
    on_damage: OnDamage | None = None,
) -> list[float]:
    """Seconds at which scenes begin, the first frame's included, up to ``end_seconds``.

    The last entry is the time of the last frame, not of a scene.

    Raises:
        MediaError: not a media file, without a picture, or damaged and nobody listens.
    """
    cuts = suspect_cuts(path, start_seconds, end_seconds, on_damage)
    return [*cuts.starts, cuts.last] if cuts.starts else []


def suspect_cuts(
    path: str | Path,
    start_seconds: float = 0.0,
    end_seconds: float | None = None,
    on_damage: OnDamage | None = None,
) -> Cuts:
    """Cuts, and what may be some. 24 bytes a frame are kept, and a second of small frames.

    Raises:
        MediaError: not a media file, without a picture, or damaged and nobody listens.
    """
    times: list[float] = []
    steps: list[float] = []
    last: NDArray[np.int16] | None = None
    sorter = _Sorter()
    with FrameCursor(path, on_damage) as cursor:
        still = cursor.find_next(start_seconds)
        while still is not None and (end_seconds is None or still.seconds < end_seconds):
            small = still.read_thumbnail(SIDE).astype(np.int16)
            steps.append(0.0 if last is None else float(np.abs(small - last).mean()))
            times.append(still.seconds)
            sorter.add(still.seconds, sort_levels(small))
            last = small
            still = cursor.find_next(still.seconds)
    if not times:
        return Cuts((), (), 0.0)
    sure = pick_cuts(steps)
    maybe = (k for k in sorter.pick() if k not in set(sure))
    return Cuts((times[0], *(times[k] for k in sure)), tuple(times[k] for k in maybe), times[-1])


def pick_cuts(steps: list[float], least: float = LEAST, many: float = TIMES) -> list[int]:
    """Numbers of the frames that begin a scene, by how far each is from the one before."""
    values = np.asarray(steps)
    found = []
    for k in np.flatnonzero(values >= least):
        beside = np.concatenate([values[max(k - AROUND, 1) : k], values[k + 1 : k + 1 + AROUND]])
        usual = float(np.median(beside)) if len(beside) else 0.0
        if values[k] >= many * usual:
            found.append(int(k))
    return found


@dataclass(slots=True)
class _Step:
    """A step between two frames that may turn out to be undone.

    Args:
        before: the frame before it.
    """

    number: int
    seconds: float
    size: float
    before: Levels


@dataclass(slots=True)
class _Sorter:
    """Takes frames with their pixels sorted, in order; ``undone`` are numbers of steps after or
    before which the picture is the same."""

    steps: list[float] = field(default_factory=list)
    undone: set[int] = field(default_factory=set)
    _recent: deque[tuple[float, Levels]] = field(default_factory=deque)
    _open: list[_Step] = field(default_factory=list)

    def add(self, seconds: float, levels: Levels) -> None:
        """The next frame."""
        while self._recent and self._recent[0][0] < seconds - BACK_SECONDS:
            self._recent.popleft()
        self._open = [step for step in self._open if step.seconds >= seconds - BACK_SECONDS]
        for step in self._open:
            if compare(step.before, levels) < BACK * step.size:
                self.undone.add(step.number)
        before = self._recent[-1][1] if self._recent else None
        size = 0.0 if before is None else compare(before, levels)
        number = len(self.steps)
        self.steps.append(size)
        if before is not None and size >= LEAST_SORTED:
            earlier = list(self._recent)[:-1]
            if any(compare(frame, levels) < BACK * size for _, frame in earlier):
                self.undone.add(number)
            self._open.append(_Step(number, seconds, size, before))
        self._recent.append((seconds, levels))

    def pick(self) -> list[int]:
        """Numbers of the frames that may begin a scene."""
        found = pick_cuts(self.steps, LEAST_SORTED, TIMES_SORTED)
        return [number for number in found if number not in self.undone]


def sort_levels(small: NDArray[np.int16]) -> Levels:
    """(SIDE, SIDE, 3) to sorted pixels."""
    return np.sort(np.ascontiguousarray(small.reshape(-1, 3).T), axis=1)


def compare(one: Levels, other: Levels) -> float:
    """Levels of 255 by which sorted pixels differ on average, in the channel where they do most."""
    return float(np.abs(one - other).mean(1).max())
