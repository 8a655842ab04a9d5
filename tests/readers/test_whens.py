from __future__ import annotations

import pytest

from rushes.readers.whens import ask_whether, asks_when, pick_which
from rushes.readers.words import offer_unknown


@pytest.mark.parametrize(
    ("question", "whether", "which"),
    [
        ("when does the ball first touch the floor?", "does the ball touch the floor?", "first"),
        ("At what time does it land for the last time?", "does it land?", "last"),
        ("when is the door opened", "is the door opened?", "all"),
        ("when exactly did she last smile?", "did she smile?", "last"),
        ("When does the last runner arrive?", "does the last runner arrive?", "all"),
        ("when are the lights on at first?", "are the lights on at first?", "all"),
        ("when the ball lands, who cheers?", None, "all"),
        ("at which second of the film does it land?", None, "all"),
    ],
)
def test_a_question_for_a_time_is_read(question: str, whether: str | None, which: str) -> None:
    assert asks_when(question)
    assert ask_whether(question) == whether
    assert pick_which(question) == which


def test_other_questions_are_none_for_a_time() -> None:
    assert not asks_when("what happens when it lands?")
    assert ask_whether("does it land?") is None


def test_a_question_that_offers_to_say_unknown_is_the_same_question() -> None:
    asked = offer_unknown("when does it first land?")
    assert offer_unknown(asked) == asked
    assert (ask_whether(asked), pick_which(asked)) == ("does it land?", "first")
