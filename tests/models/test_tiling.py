"""Tiles cover a picture, are as large as they may be, and no smaller in number than needed."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rushes.models.tiling import choose_tile, lay_tiles

SIDES = st.integers(1, 130)


@given(SIDES, SIDES, st.integers(64, 4000), st.integers(0, 7))
def test_tiles_cover_everything_and_share_the_overlap(
    height: int, width: int, area: int, overlap: int
) -> None:
    tile = choose_tile(height, width, area, overlap)
    tiles = lay_tiles(height, width, tile, overlap)
    assert tile[0] * tile[1] <= max(area, 1) or min(tile) <= 2 * overlap + 1
    for axis, (start, side, whole) in enumerate(
        (("top", "height", height), ("left", "width", width))
    ):
        begins = sorted({getattr(one, start) for one in tiles})
        assert begins[0] == 0
        assert begins[-1] + tile[axis] == whole
        assert all(getattr(one, side) == tile[axis] for one in tiles)
        steps = [b - a for a, b in pairwise(begins)]
        assert all(0 < step <= tile[axis] - min(overlap, tile[axis] - 1) for step in steps)


def test_what_is_small_enough_is_one_tile() -> None:
    assert choose_tile(34, 60, 2040, 8) == (34, 60)
    assert lay_tiles(34, 60, (34, 60), 8)[0].width == 60


def test_4k_is_six_tiles_of_about_full_hd() -> None:
    """3840x2176 in latents of 32 pixels, with tiles of at most 1920x1088 that share 256 pixels."""
    tile = choose_tile(68, 120, 34 * 60, 8)
    assert tile[0] * tile[1] <= 34 * 60
    assert len(lay_tiles(68, 120, tile, 8)) == 6
