"""Scores of answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.evals.scoring import read_letter, read_number, score_answer
from rushes.evals.suite import Case, Expected
from rushes.readers.base import Span
from rushes.readers.times import find_spans

OPTIONS = ["a red ball", "a blue square", "a cross", "nothing"]


def make_case(**expect: object) -> Case:
    return Case("a.mp4", "what?", Expected(**expect), OPTIONS if "choice" in expect else [])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("B", "B"), ("b", "B"), ("(B)", "B"), ("B.", "B"), ("B) a blue square", "B"),
        ("**C**", "C"), ("The answer is D.", "D"), ("Answer: C", "C"), ("option B", "B"),
        ("It falls, so it is round.\nAnswer: A", "A"), ("A", "A"), ("(A) a red ball", "A"),
        ("A: a red ball", "A"), ("a red ball", "A"), ("It is a blue square.", "B"),
        ("I see a cross", "C"), ("E", None), ("a ball", None), ("a red ball and a cross", None),
        ("", None), ("I think so", None), ("A dog runs", None), ("The correct answer is (C).", "C"),
    ],
)  # fmt: skip
def test_letters(answer: str, letter: str | None) -> None:
    assert read_letter(answer, OPTIONS) == letter


@given(st.sampled_from("ABCD"), st.sampled_from(["{}", "({})", "{}.", "Answer: {}", "{}) it is"]))
def test_a_letter_is_read_in_every_form(letter: str, form: str) -> None:
    case = make_case(choice=letter)
    assert score_answer(case, form.format(letter)).right


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        ("3", 3), ("There are 12 of them", 12), ("-2.5 m", -2.5), ("1,234 people", 1234),
        ("two vans", 2), ("None", None), ("one of 3", 1), ("about 0.5", 0.5), ("v2", None),
        ("Twenty", 20), ("1e3", 1000),
    ],
)  # fmt: skip
def test_numbers(answer: str, number: float | None) -> None:
    assert read_number(answer) == number


def test_a_number_within_its_tolerance() -> None:
    case = make_case(number=10.0, tolerance=1.0)
    assert score_answer(case, "11").right
    assert not score_answer(case, "11.1").right
    assert score_answer(case, "many").unreadable


@pytest.mark.parametrize(
    ("wanted", "answer", "right"),
    [
        (["red"], "Red.", True), (["red"], "the red", True), (["red", "crimson"], "crimson", True),
        (["red"], "not red", False), (["yes"], "Yes, it does.", True), (["no"], "No", True),
        (["no"], "not at all", False), (["Müller & Söhne"], "müller söhne", True),
    ],
)  # fmt: skip
def test_texts(wanted: list[str], answer: str, right: bool) -> None:
    assert score_answer(make_case(text=wanted), answer).right is right


def test_false_yes() -> None:
    no, unknown, red = make_case(text=["no"]), make_case(unknown=True), make_case(text=["red"])
    assert score_answer(no, "yes").false_yes is True
    assert score_answer(no, "no").false_yes is False
    assert score_answer(unknown, "Yes, Bob").false_yes is True
    assert score_answer(unknown, "Unknown.").false_yes is False
    assert score_answer(red, "yes").false_yes is None


@pytest.mark.parametrize(
    "answer",
    ["unknown", "Unknown.", '"unknown"', "I don't know", "It cannot be told from the video",
     "I can't tell", "It is not possible to say"],
)  # fmt: skip
def test_unknown_is_counted_and_is_right_only_where_it_is_expected(answer: str) -> None:
    for case in (make_case(choice="A"), make_case(number=1.0), make_case(interval=(0.0, 1.0)),
                 make_case(text=["no"])):  # fmt: skip
        score = score_answer(case, answer)
        assert (score.right, score.unknown, score.unreadable) == (False, True, False)
    assert score_answer(make_case(unknown=True), answer).right
    assert not score_answer(make_case(unknown=True), "Bob").right


def test_an_interval_by_its_overlap() -> None:
    case = make_case(interval=(2.0, 4.0))
    answer = "from 2.5 to 4.0 seconds"
    score = score_answer(case, answer, find_spans(answer, 10))
    assert (score.right, score.overlap) == (True, 0.75)
    moment = Span(3, 3, "")
    assert score_answer(case, "at 3 s", [moment]).overlap == 0
    assert score_answer(case, "then", [moment, Span(2, 4, "")]).overlap == 1
    nothing = score_answer(case, "later")
    assert (nothing.right, nothing.unreadable, nothing.overlap) == (False, True, 0.0)


@given(st.text(max_size=80), st.sampled_from(["choice", "text", "number", "interval", "unknown"]))
def test_any_answer_gets_a_score(answer: str, kind: str) -> None:
    values: dict[str, object] = {
        "choice": "A", "text": ["no"], "number": 1.0, "interval": (0.0, 1.0), "unknown": True
    }  # fmt: skip
    score = score_answer(make_case(**{kind: values[kind]}), answer, find_spans(answer, 100))
    assert not (score.right and score.unreadable)
