"""Where a film goes from one shot to the next."""

from __future__ import annotations

from collections.abc import Sequence


def list_joins(
    frames: Sequence[int], fps: float, crossfade_seconds: float
) -> tuple[tuple[float, float], ...]:
    """Stretches (start, end) in seconds of the film; equal where shots are joined by a cut.

    Args:
        frames: of each shot, in order.
    """
    fade = round(crossfade_seconds * fps)
    found: list[tuple[float, float]] = []
    start = 0
    for count in frames[:-1]:
        start += count - fade
        found.append((start / fps, (start + fade) / fps))
    return tuple(found)
