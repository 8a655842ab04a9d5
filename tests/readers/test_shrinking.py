from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rushes.readers.shrinking import shrink_to

SIDE = st.integers(1, 90)


@given(SIDE, SIDE, SIDE, SIDE)
def test_no_side_gets_shorter_than_it_is_seen_and_none_longer(
    height: int, width: int, h: int, w: int
) -> None:
    pixels = np.zeros((height, width, 3), np.uint8)
    small = shrink_to(pixels, (h, w))
    assert small.shape[0] >= min(h, height)
    assert small.shape[1] >= min(w, width)
    assert small.shape[0] <= height
    assert small.shape[1] <= width


def test_proportions_stay_and_small_frames_are_left_alone() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (72, 128, 3)).astype(np.uint8)
    assert shrink_to(pixels, (36, 36)).shape == (36, 64, 3)
    assert shrink_to(pixels, (72, 10)) is pixels
    assert shrink_to(pixels, (200, 200)) is pixels
