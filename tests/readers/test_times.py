"""Times are read out of answers, lengths of time are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.readers.times import find_spans


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("at 0.8 s", [(0.8, 0.8)]),
        ("The ball lands at <1.5 seconds>.", [(1.5, 1.5)]),
        ("from 0.5 to 1.2 s", [(0.5, 1.2)]),
        ("between 1 s and 2 seconds, again at 3s", [(1.0, 2.0), (3.0, 3.0)]),
        ("0:01 - 0:03: a car; 0:05.5: rain", [(1.0, 3.0), (5.5, 5.5)]),
        ("1.0–2.5 seconds", [(1.0, 2.5)]),
        ("it blinks for 2 seconds", []),
        ("the clip lasts about 4 s", []),
        ("two red balls, 3 squares", []),
        ("not in this clip", []),
        ("at 99 s", []),
        ("from 3 s to 1 s", []),
    ],
)
def test_what_is_read(answer: str, expected: list[tuple[float, float]]) -> None:
    spans = find_spans(answer, 10.0)
    assert [(s.start_seconds, s.end_seconds) for s in spans] == expected


def test_each_span_carries_its_clause() -> None:
    spans = find_spans("A ball falls at 0.5 s, then it lands at 1.25 s. The end", 4.0)
    assert [s.text for s in spans] == ["A ball falls at 0.5 s", "then it lands at 1.25 s"]


@given(st.floats(0, 9.9).map(lambda x: round(x, 1)))
def test_the_form_of_spotters_answers_comes_back(seconds: float) -> None:
    assert find_spans(f"at {seconds:.1f} s", 10.0)[0].start_seconds == seconds


@given(st.text(max_size=80))
def test_no_text_breaks_it(text: str) -> None:
    for span in find_spans(text, 60.0):
        assert 0 <= span.start_seconds <= span.end_seconds <= 60.0
