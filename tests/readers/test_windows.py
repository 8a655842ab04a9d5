from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.readers.windows import (
    cut_windows,
    group_windows,
    join_short,
    merge_scores,
    overlap,
    place_windows,
    split_window,
)
from rushes.readers.words import says_unknown, says_yes

SECONDS = st.floats(0.01, 500)


@given(SECONDS, SECONDS, SECONDS)
def test_windows_cover_a_scene_and_none_is_too_long(
    start: float, length: float, most: float
) -> None:
    if length / most > 500:
        return
    windows = cut_windows((start, start + length), most)
    assert windows[0][0] == start
    assert windows[-1][1] == start + length
    assert all(end - begin <= most * (1 + 1e-6) for begin, end in windows)
    assert all(b[0] <= a[1] + 1e-6 for a, b in itertools.pairwise(windows))


@given(st.lists(st.floats(0.05, 5), min_size=1, max_size=20))
def test_joined_scenes_leave_no_gap_and_no_short_one(lengths: list[float]) -> None:
    edges = list(itertools.accumulate(lengths, initial=0.0))
    joined = join_short(list(itertools.pairwise(edges)))
    assert (joined[0][0], joined[-1][1]) == (0.0, edges[-1])
    assert all(a[1] == b[0] for a, b in itertools.pairwise(joined))
    assert all(end - start >= 0.25 for start, end in joined[:-1])
    groups = group_windows(joined, 8.0)
    assert [window for group in groups for window in group] == joined
    assert all(len(group) == 1 or group[-1][1] - group[0][0] <= 8.0 for group in groups)


def test_intervals_are_where_the_mean_of_windows_is_high_enough() -> None:
    scored = [((0.0, 4.0), 0.9), ((2.0, 6.0), 0.8), ((4.0, 8.0), 0.1), ((8.0, 10.0), 0.7)]
    assert merge_scores(scored, 0.5) == [(0.0, 4.0, pytest.approx(0.9)), (8.0, 10.0, 0.7)]
    assert merge_scores(scored, 0.95) == []
    assert merge_scores([], 0.5) == []


def test_a_window_is_split_where_its_pieces_are_long_enough() -> None:
    assert split_window((2.0, 6.0), [1.0, 4.5, 6.0], 0.5) == [(2.0, 4.5), (4.5, 6.0)]
    assert split_window((2.0, 6.0), [2.2, 4.0, 5.8], 0.5) == [(2.2, 4.0), (4.0, 5.8)]
    assert split_window((2.0, 6.0), [4.0, 4.2], 0.5) == [(2.0, 4.2), (4.2, 6.0)]
    assert split_window((2.0, 2.8), [2.4], 0.5) == [(2.0, 2.8)]
    assert split_window((2.0, 6.0), [], 0.5) == [(2.0, 6.0)]


def test_windows_are_read_from_the_reel_that_holds_them() -> None:
    reels = [(0.0, 10.0), (8.0, 20.0)]
    windows = [(1.0, 3.0), (7.0, 9.0), (9.0, 11.0), (19.0, 21.0)]
    assert place_windows(windows, reels) == [
        ((0.0, 10.0), [(1.0, 3.0), (7.0, 9.0)]),
        ((8.0, 20.0), [(9.0, 11.0)]),
        ((19.0, 21.0), [(19.0, 21.0)]),
    ]


def test_overlap_is_intersection_over_union() -> None:
    assert overlap((0, 2), (1, 3)) == pytest.approx(1 / 3)
    assert overlap((0, 1), (2, 3)) == 0.0
    assert overlap((1, 2), (1, 2)) == 1.0


@pytest.mark.parametrize("text", ["yes", "Yes, it does.", '"yes"', "True"])
def test_a_yes_is_a_yes(text: str) -> None:
    assert says_yes(text)
    assert not says_unknown(text)


@pytest.mark.parametrize(
    "text", ["unknown", "Not in this clip.", "I cannot tell", "it is not shown"]
)
def test_unknown_is_unknown(text: str) -> None:
    assert says_unknown(text)
    assert not says_yes(text)
    assert not says_yes("yesterday")
