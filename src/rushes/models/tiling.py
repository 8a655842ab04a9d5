"""How a picture too large for one pass is cut into tiles that overlap. Pure arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of latents."""

    top: int
    left: int
    height: int
    width: int


def choose_tile(height: int, width: int, area: int, overlap: int) -> tuple[int, int]:
    """Height and width of tiles of at most ``area`` latents, as few as there can be.

    Of equally many the squarest. (height, width) itself where the whole is small enough.

    Args:
        overlap: latents that neighbours share.
    """
    best: tuple[float, ...] | None = None
    found = height, width
    for rows in range(1, height + 1):
        high = _side(height, rows, overlap)
        columns = next(
            (n for n in range(1, width + 1) if high * _side(width, n, overlap) <= area), None
        )
        if columns is None:
            continue
        wide = _side(width, columns, overlap)
        rank = (rows * columns, abs(math.log(high / wide)))
        if best is None or rank < best:
            best, found = rank, (high, wide)
        if rows > 1 and best is not None and rows > best[0]:
            break
    return found


def _side(length: int, count: int, overlap: int) -> int:
    """The side of ``count`` equal tiles that cover ``length`` and share ``overlap``."""
    return min(length, math.ceil((length + (count - 1) * overlap) / count))


def lay_tiles(height: int, width: int, tile: tuple[int, int], overlap: int) -> list[Tile]:
    """Tiles of one size that cover a picture, row by row; neighbours share ``overlap`` or more."""
    tops = _starts(height, tile[0], overlap)
    lefts = _starts(width, tile[1], overlap)
    return [Tile(top, left, *tile) for top in tops for left in lefts]


def _starts(length: int, side: int, overlap: int) -> list[int]:
    if side >= length:
        return [0]
    count = math.ceil((length - overlap) / max(side - overlap, 1))
    return [round(n * (length - side) / (count - 1)) for n in range(count)]
