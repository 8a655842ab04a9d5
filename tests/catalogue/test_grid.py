"""Which sizes and rates a grid holds, and what it offers instead of others."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from rushes.catalogue.grid import Grid

LISTED = Grid(4, 1, 17, 33, 32, ["64x64", "96x96", "96x64"], [16.0])
FREE = Grid(
    8, 1, 9, 257, 32, ["768x512"], [24.0], pixels_max=3840 * 2176, side_min=64, fps_max=60.0
)
SIDES = st.integers(1, 5000)


@given(SIDES, SIDES)
def test_what_is_offered_is_legal(width: int, height: int) -> None:
    for grid in (LISTED, FREE):
        near = grid.nearest_sizes(width, height)
        assert 1 <= len(near) <= 2
        assert all(grid.is_legal_size(*map(int, size.split("x"))) for size in near)


@given(SIDES, SIDES)
def test_a_free_grid_takes_steps_within_its_limits(width: int, height: int) -> None:
    legal = FREE.is_legal_size(width, height)
    inside = min(width, height) >= 64 and width * height <= 3840 * 2176
    assert legal == (width % 32 == height % 32 == 0 and inside)


@given(SIDES, SIDES)
def test_nothing_nearer_is_left_out(width: int, height: int) -> None:
    """The sizes just below and just above, where both are legal."""
    assume(not FREE.is_legal_size(width, height))
    low = (width // 32 * 32, height // 32 * 32)
    if FREE.is_legal_size(*low):
        assert f"{low[0]}x{low[1]}" in FREE.nearest_sizes(width, height)


def test_rates() -> None:
    assert [rate for rate in (0.5, 1, 16, 24, 59.94, 60, 61) if FREE.is_legal_fps(rate)] == [
        1, 16, 24, 59.94, 60,
    ]  # fmt: skip
    assert LISTED.is_legal_fps(16.0)
    assert not LISTED.is_legal_fps(24.0)
