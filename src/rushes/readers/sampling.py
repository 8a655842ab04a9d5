"""Frames at the times at which they are really shown, chosen without decoding all of a clip.

Evenly, the targets are the multiples of a step; the first frame at or after each is taken, and
keeps its own time. So nothing is said of a moment that was not looked at, also where the rate
varies. By scenes, a target lies in the middle of each.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rushes.errors import MediaError, UsageError
from rushes.readers.base import Frames, Sampling
from rushes.readers.duplicates import is_duplicate
from rushes.readers.selection import Selection, show_time
from rushes.readers.shrinking import shrink_to

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rushes.media import Damage, FrameCursor, Still

MAX_BYTES = 1_000_000_000
"""Pixels kept at once: more than the largest budget of a Qwen3-VL checkpoint (75 MB) looks at."""

SLACK_SECONDS = 1e-6
"""Presentation times are fractions turned into floats."""

EVERYTHING = Selection()

Item = TypeVar("Item")
Kept = TypeVar("Kept")
FindNext = Callable[[float], "tuple[float, Item] | None"]
"""The next item at or after a time, with its own time; None at the end."""


def choose_step(sampling: Sampling, duration_seconds: float | None) -> float:
    """Seconds between targets: 1/fps, less in a short clip, more in a long one."""
    step = 1 / sampling.fps
    if not duration_seconds:
        return step
    step = min(step, duration_seconds / sampling.min_frames)
    return max(step, duration_seconds / sampling.max_frames)


def pick_even(
    items: Iterable[tuple[float, Item]],
    sampling: Sampling,
    duration_seconds: float | None,
    keep: Callable[[Item], Kept],
) -> list[tuple[float, Kept]]:
    """Of (seconds, item) in order, those at the targets, and what ``keep`` makes of them."""
    rest = iter(items)

    def find_next(seconds: float) -> tuple[float, Item] | None:
        return next((pair for pair in rest if pair[0] >= seconds - SLACK_SECONDS), None)

    return pick_targets(find_next, sampling, duration_seconds, keep)


def pick_targets(
    find_next: FindNext[Item],
    sampling: Sampling,
    duration_seconds: float | None,
    keep: Callable[[Item], Kept],
    start: float = 0.0,
    end: float | None = None,
) -> list[tuple[float, Kept]]:
    """The first item at or after each target from ``start``, before ``end``.

    A clip longer than its declared duration is thinned as it goes, by doubling the step, so that
    never more than ``sampling.max_frames`` are held.
    """
    step = choose_step(sampling, duration_seconds)
    picked: list[tuple[float, Kept]] = []
    target = 0
    while (found := find_next(start + target * step)) is not None:
        seconds, item = found
        if end is not None and seconds >= end - SLACK_SECONDS:
            break
        picked.append((seconds, keep(item)))
        target = _number(seconds - start, step) + 1
        if len(picked) > sampling.max_frames:
            step *= 2
            picked = _thin(picked, step, start)
            target = _number(picked[-1][0] - start, step) + 1
    return picked


def _number(seconds: float, step: float) -> int:
    """Which target the time has reached."""
    return math.floor((seconds + SLACK_SECONDS) / step)


def _thin(picked: list[tuple[float, Kept]], step: float, start: float) -> list[tuple[float, Kept]]:
    """The first of each stretch of ``step`` seconds."""
    firsts: dict[int, tuple[float, Kept]] = {}
    for pair in picked:
        firsts.setdefault(_number(pair[0] - start, step), pair)
    return list(firsts.values())


def sample_clip(
    path: str | Path,
    sampling: Sampling,
    selection: Selection = EVERYTHING,
    seen: tuple[int, int] | None = None,
) -> Frames:
    """The frames of a clip that ``sampling`` and ``selection`` ask for; memory is bounded.

    What is damaged is left out, and said in the frames' ``lost``.

    Args:
        seen: (height, width) of a frame as the reader sees it; frames are made as small as that as
            they come, in their own proportions. None leaves them as they are.

    Raises:
        MediaError: not a media file, or without a picture that can be decoded.
        UsageError: the selection lies after the clip's end.
    """
    sampler = _Sampler(str(path), selection.apply(sampling), selection, seen)
    picked = sampler.pick()
    if selection.drop_duplicates:
        picked = _drop_duplicates(picked)
    if not picked:
        raise sampler.explain_nothing()
    return Frames(
        pixels=tuple(pixels for _, pixels in picked),
        seconds=tuple(seconds for seconds, _ in picked),
        source=str(path),
        lost=tuple(sampler.lost),
    )


@dataclass(slots=True)
class _Sampler:
    """One clip being sampled. ``lost`` says what could not be read."""

    path: str
    sampling: Sampling
    selection: Selection
    lost: list[str]
    duration: float | None
    seen: tuple[int, int] | None

    def __init__(
        self, path: str, sampling: Sampling, selection: Selection, seen: tuple[int, int] | None
    ) -> None:
        from rushes.media import probe

        self.path, self.sampling, self.selection, self.seen = path, sampling, selection, seen
        self.lost = []
        self.duration = probe(path).duration_seconds

    def pick(self) -> list[tuple[float, NDArray[np.uint8]]]:
        if self.selection.by == "scenes":
            return self._pick_scenes()
        duration = self.selection.clip(self.duration)
        picked = self._pick_even(duration)
        fewest = min(self.sampling.min_frames, self.sampling.max_frames)
        if len(picked) < fewest and duration and duration > fewest / self.sampling.fps:
            picked = self._pick_even(None)  # it declares to be longer than it is
        return picked

    def _pick_even(self, duration: float | None) -> list[tuple[float, NDArray[np.uint8]]]:
        step = choose_step(self.sampling, duration)
        count = math.ceil(duration / step) if duration else self.sampling.max_frames
        self.lost.clear()
        with self._open() as cursor:
            return pick_targets(
                _follow(cursor),
                self.sampling,
                duration,
                _shrinker(count, self.seen),
                self.selection.start_seconds,
                self.selection.end_seconds,
            )

    def _pick_scenes(self) -> list[tuple[float, NDArray[np.uint8]]]:
        """Scenes are found by decoding everything once; then one frame of each is fetched."""
        from rushes.media.cuts import find_cuts

        first, last = self.selection.start_seconds, self.selection.end_seconds
        cuts = find_cuts(self.path, first, last, self._note)
        targets = middle_of_scenes(cuts, self.sampling.max_frames)
        self.lost.clear()
        shrink = _shrinker(len(targets), self.seen)
        picked: list[tuple[float, NDArray[np.uint8]]] = []
        with self._open() as cursor:
            for target in targets:
                still = cursor.find_next(target)
                if still is not None:
                    picked.append((still.seconds, shrink(still)))
        return picked

    def _open(self) -> FrameCursor:
        from rushes.media import FrameCursor

        return FrameCursor(self.path, self._note)

    def _note(self, damage: Damage) -> None:
        """Keep the first words about each kind of damage: a broken file has it a thousand times."""
        text = f"from about {show_time(damage.seconds)}: {damage.reason}"
        if not any(said.endswith(damage.reason) for said in self.lost):
            self.lost.append(text)

    def explain_nothing(self) -> MediaError | UsageError:
        start = self.selection.start_seconds
        if self.duration is not None and start >= self.duration and not self.lost:
            return UsageError(
                f"{self.path} ends at {show_time(self.duration)}, before {show_time(start)}",
                where=self.path,
            )
        why = f": {self.lost[0]}" if self.lost else ""
        return MediaError(
            f"cannot read {self.path}: there is no frame in it that can be decoded{why}",
            where=self.path,
            hint="make or download it again",
        )


def middle_of_scenes(cuts: list[float], most: int) -> list[float]:
    """Targets in the middle of scenes; of too many scenes the longest, in order.

    Args:
        cuts: where scenes begin, and last where the last one ends.
    """
    scenes = list(itertools.pairwise(cuts)) or [(t, t) for t in cuts[:1]]
    longest = sorted(scenes, key=lambda scene: scene[0] - scene[1])[:most]
    return sorted({(first + last) / 2 for first, last in longest})


def _follow(cursor: FrameCursor) -> FindNext[Still]:
    def find_next(seconds: float) -> tuple[float, Still] | None:
        still = cursor.find_next(seconds)
        return None if still is None else (still.seconds, still)

    return find_next


def _shrinker(count: int, seen: tuple[int, int] | None) -> Callable[[Still], NDArray[np.uint8]]:
    """Frames are made as small as they are seen; those that are still too large for ``MAX_BYTES``
    together are halved as they come, by averaging."""

    def shrink(still: Still) -> NDArray[np.uint8]:
        pixels = still.read_pixels()
        if seen is not None:
            pixels = shrink_to(pixels, seen)
        while count * pixels.nbytes > MAX_BYTES and min(pixels.shape[:2]) > 1:
            pixels = halve(pixels)
        return pixels

    return shrink


def _drop_duplicates(
    picked: list[tuple[float, NDArray[np.uint8]]],
) -> list[tuple[float, NDArray[np.uint8]]]:
    kept = picked[:1]
    for pair in picked[1:]:
        if not is_duplicate(kept[-1][1], pair[1]):
            kept.append(pair)
    return kept


def halve(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 to (H // 2, W // 2, 3) uint8: means of 2x2 pixels."""
    import numpy as np

    height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
    blocks = pixels[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3)
    return np.asarray(blocks.mean(axis=(1, 3)) + 0.5, dtype=np.uint8)


def limit_frames(sampling: Sampling, most: int) -> Sampling:
    """The same with at most so many frames."""
    least = min(sampling.min_frames, most)
    return replace(sampling, max_frames=min(sampling.max_frames, most), min_frames=least)
