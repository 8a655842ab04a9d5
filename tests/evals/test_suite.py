"""Suites: what is written is read back, and what is wrong is said."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import UsageError
from rushes.evals.asking import write_question
from rushes.evals.suite import Case, Expected, Suite, finish_suite, parse_suite, write_suite
from rushes.route.choose import choose_models
from rushes.route.question import Question
from rushes.route.suite import write_suite as write_trial

WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
    str.strip
)
NUMBERS = st.floats(0, 1e6, allow_nan=False)
PARTS = st.tuples(NUMBERS, NUMBERS).filter(lambda p: p[0] != p[1]).map(lambda p: (min(p), max(p)))
EXPECTED = st.one_of(
    st.builds(Expected, text=st.lists(WORDS, min_size=1, max_size=3)),
    st.builds(Expected, interval=PARTS),
    st.builds(Expected, number=st.floats(-1e9, 1e9), tolerance=NUMBERS),
    st.just(Expected(unknown=True)),
)
CASES = st.one_of(
    st.builds(Case, WORDS, WORDS, EXPECTED, group=st.one_of(st.just(""), WORDS)),
    st.builds(
        Case, WORDS, WORDS, st.builds(Expected, choice=st.sampled_from("ABC")),
        st.lists(WORDS, min_size=3, max_size=5, unique=True).filter(
            lambda options: not set(options) & set("ABC")
        ),
        closing=WORDS,
    ),
)  # fmt: skip
SUITES = st.builds(
    Suite, WORDS, st.lists(CASES, min_size=1, max_size=5), st.lists(WORDS, max_size=2),
    plain=st.booleans(),
)  # fmt: skip


@given(SUITES)
def test_what_is_written_is_read_back(suite: Suite) -> None:
    whole = finish_suite(suite, "here")
    assert parse_suite(write_suite(whole, "# a comment\n"), "here") == whole
    assert parse_suite(write_suite(suite), "here") == whole


@given(st.text(max_size=200))
def test_any_text_is_a_suite_or_an_error(text: str) -> None:
    with suppress(UsageError):
        assert parse_suite(text, "here")


def test_what_models_choose_writes_is_what_eval_reads() -> None:
    selection = choose_models(Question("understand", vram=24_000_000_000))
    suite = parse_suite(write_trial(selection), "trial.toml")
    assert suite.models == list(selection.tries)
    assert len(suite.models) == 2
    assert {case.expect.kind for case in suite.cases} == {
        "choice", "text", "interval", "number", "unknown"
    }  # fmt: skip
    assert parse_suite(write_suite(suite), "again.toml") == suite


HEAD = 'name = "a"\n[[cases]]\nvideo = "a.mp4"\nquestion = "what?"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = 3", "wrong"),
        ('name = "a"\ncases = []', "wrong"),
        (HEAD, "expect"),
        (HEAD + "expect = {}", "exactly one"),
        (HEAD + 'expect = { number = 1, text = ["a"] }', "exactly one"),
        (HEAD + 'expect = { choice = "A" }', "two options"),
        (HEAD + 'expect = { choice = "C" }\noptions = ["x", "y"]', "none of the options"),
        (HEAD + "expect = { interval = [2.0, 1.0] }", "not after"),
        (HEAD + "expect = { number = inf }", "is none"),
        (HEAD + "expect = { number = 1 }\nstart = 3\nend = 3", "not after"),
        (HEAD + "expect = { number = 1 }\ncolour = 3", "colour"),
        (HEAD + 'id = "a"\nexpect = { number = 1 }\n' + HEAD.split("\n", 1)[1]
         + 'id = "a"\nexpect = { number = 1 }', "two cases"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_suite(text, "here")


def test_unknown_is_offered_unless_questions_stand_as_they_are() -> None:
    case = Case("a.mp4", "what?", Expected(choice="A"), ["x", "y"], closing="Well?")
    told = write_question(Suite("a", [case]), case)
    assert told.startswith("what?\nA. x\nB. y\nWell?\nAnswer with the letter")
    assert '"unknown"' in told
    assert write_question(Suite("a", [case], plain=True), case) == "what?\nA. x\nB. y\nWell?"


def test_an_unanswerable_case_is_asked_like_one_that_can_be_answered() -> None:
    def ask(expect: Expected) -> str:
        case = Case("a.mp4", "what?", expect, ["x", "y"])
        return write_question(Suite("a", [case]), case)

    assert ask(Expected(unknown=True)) == ask(Expected(choice="A"))
