"""A question with the expected answer, as a check of a shot."""

from __future__ import annotations

import pytest

from rushes.checks.base import Answered, AnswerJudge, AskingCheck, Verdict
from rushes.checks.question import is_question
from rushes.checks.registry import asking_checks, expand_checks, find_check, make_questions
from rushes.errors import UsageError
from tests.plan.test_plan_ask import LOCKED
from tests.plan.tools import PROJECT, plan_text

NAME = "what colour is the ball? red | dark red"


def judge(name: str, *answers: str) -> Verdict:
    judge = find_check(name).judge(None, None)  # type: ignore[arg-type]
    assert isinstance(judge, AnswerJudge)
    judge.see_answers([Answered("", answer) for answer in answers])
    return judge.give_verdict()


@pytest.mark.parametrize(
    ("name", "answer", "passed"),
    [
        (NAME, "Red.", True),
        (NAME, "The ball is dark red", True),
        (NAME, "It is not red", False),
        (NAME, "blue", False),
        (NAME, "hundred", False),
        (NAME, "", False),
        ("is anything written? no", "No, nothing is.", True),
        ("is anything written? no", "there is no doubt: yes", False),
        ("how many balls are there? 2", "two balls", True),
    ],
)
def test_the_answer_has_to_hold_the_expected_words(name: str, answer: str, passed: bool) -> None:
    verdict = judge(name, answer)
    assert verdict.passed is passed
    assert verdict.check == name
    assert verdict.evidence == {"answer": answer}


def test_nobody_was_asked() -> None:
    assert not judge(NAME).passed


def test_it_is_told_from_a_name() -> None:
    assert is_question(NAME)
    assert not is_question("what colour is the ball?")
    assert isinstance(find_check(NAME), AskingCheck)
    assert expand_checks([NAME, "black"]) == [NAME, "black"]
    assert asking_checks([NAME, "black"]) == [NAME]
    assert make_questions([NAME], "any") == ((NAME, "what colour is the ball?"),)
    with pytest.raises(UsageError):
        expand_checks(["what colour is the ball?"])


def test_a_shot_has_its_reader_asked() -> None:
    text = PROJECT.replace("[shots.two]\n", f'[shots.two]\nchecks = ["default", "{NAME}"]\n')
    nodes = {(row.name, row.label): row.node for row in plan_text(text, LOCKED).rows()}
    asked = nodes["two", "ask"].params.questions  # type: ignore[attr-defined]
    assert asked == ((NAME, "what colour is the ball?"),)
    assert ("one", "ask") not in nodes
