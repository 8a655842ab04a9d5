"""Frames at the times at which they are really shown, evenly, out of a stream that is decoded once.

The targets are the multiples of a step; the first frame at or after each is taken, and keeps its
own time. So nothing is said of a moment that was not looked at, also where the rate varies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rushes.errors import MediaError
from rushes.readers.base import Frames, Sampling

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_BYTES = 1_000_000_000
"""Pixels kept at once: more than the largest budget of a Qwen3-VL checkpoint (75 MB) looks at."""

SLACK_SECONDS = 1e-6
"""Presentation times are fractions turned into floats."""

Item = TypeVar("Item")
Kept = TypeVar("Kept")


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
    """Of (seconds, item) in order, those at the targets, and what ``keep`` makes of them.

    A clip longer than its declared duration is thinned as it goes, by doubling the step, so that
    never more than ``sampling.max_frames`` are held.
    """
    step = choose_step(sampling, duration_seconds)
    picked: list[tuple[float, Kept]] = []
    target = 0
    for seconds, item in items:
        if _number(seconds, step) < target:
            continue
        picked.append((seconds, keep(item)))
        target = _number(seconds, step) + 1
        if len(picked) > sampling.max_frames:
            step *= 2
            picked = _thin(picked, step)
            target = _number(picked[-1][0], step) + 1
    return picked


def _number(seconds: float, step: float) -> int:
    """Which target the time has reached."""
    return math.floor((seconds + SLACK_SECONDS) / step)


def _thin(picked: list[tuple[float, Kept]], step: float) -> list[tuple[float, Kept]]:
    """The first of each stretch of ``step`` seconds."""
    firsts: dict[int, tuple[float, Kept]] = {}
    for pair in picked:
        firsts.setdefault(_number(pair[0], step), pair)
    return list(firsts.values())


def sample_clip(path: str | Path, sampling: Sampling) -> Frames:
    """Decode a clip and keep what ``sampling`` asks for; memory does not grow with its length.

    Frames too large for ``MAX_BYTES`` together are halved as they come, by averaging.

    Raises:
        MediaError: not a media file, without a picture, or damaged.
    """
    from rushes.media import probe, read_frames

    duration = probe(path).duration_seconds
    step = choose_step(sampling, duration)
    count = math.ceil(duration / step) if duration else sampling.max_frames

    def keep(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        while count * pixels.nbytes > MAX_BYTES and min(pixels.shape[:2]) > 1:
            pixels = halve(pixels)
        return pixels

    picked = pick_even(read_frames(path), sampling, duration, keep)
    if not picked:
        raise MediaError(
            f"cannot read {path}: there is no frame in it",
            where=str(path),
            hint="make or download it again",
        )
    return Frames(
        pixels=tuple(pixels for _, pixels in picked),
        seconds=tuple(seconds for seconds, _ in picked),
        source=str(path),
    )


def halve(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 to (H // 2, W // 2, 3) uint8: means of 2x2 pixels."""
    import numpy as np

    height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
    blocks = pixels[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3)
    return np.asarray(blocks.mean(axis=(1, 3)) + 0.5, dtype=np.uint8)
