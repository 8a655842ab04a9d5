"""The held-out questions of the benchmark, and what counts as right."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("cv2")

from bench.spotter.cases import ASKED, draw_cases, has_held_out
from bench.spotter.questions import is_right, summarise


def row(**changed):
    plain = {"seconds": None, "truth": "red", "said": "red", "said_seconds": None, "closed": True,
             "absent": False, "kind": "colour"}  # fmt: skip
    return plain | changed


def test_half_of_the_clips_hold_a_triple_never_trained_on():
    cases = draw_cases(60)
    assert len(cases) * ASKED == 60
    assert cases == draw_cases(60)
    assert [has_held_out(c.clip) for c in cases] == [c.held_out for c in cases]
    assert sum(c.held_out for c in cases) == len(cases) / 2
    wording = [held for c in cases for held in c.wording]
    assert 0.4 < sum(wording) / len(wording) < 0.6


@pytest.mark.parametrize(
    ("changed", "right"),
    [
        ({}, True),
        ({"said": "Red."}, True),
        ({"said": "not in this clip"}, False),
        ({"seconds": 0.84, "truth": "at 0.8 s", "said": "at 0.9 s", "said_seconds": 0.9}, True),
        ({"seconds": 0.84, "truth": "at 0.8 s", "said": "at 1.0 s", "said_seconds": 1.0}, False),
        ({"seconds": 0.84, "truth": "at 0.8 s", "said": "no", "said_seconds": None}, False),
    ],
)
def test_what_counts_as_right(changed, right):
    assert is_right(row(**changed), 0.125) is right


def test_false_yes_counts_only_what_is_not_so():
    rows = [
        row(truth="no", said="yes", absent=True),
        row(truth="no", said="no"),
        row(truth="yes", said="yes"),
        row(truth="not in this clip", said="not in this clip", absent=True),
    ]
    summary = summarise(rows, 0.125)
    assert summary["false_yes_to_false"]["right"] == 1
    assert summary["false_yes_to_false"]["total"] == 2
    assert summary["false_yes_to_absent"]["share"] == 0.5
    assert summary["says_not_in_this_clip"]["share"] == 1.0
