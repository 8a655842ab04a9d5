"""A check of one's own without code: a question for a reader, and the answer it should give.

Named by the two in ``checks = ["what colour is the ball? red"]``: all up to the last question mark
is asked, what follows is expected, with ``|`` between answers that are as good.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rushes.checks.base import Answered, Expectation, Judge, Verdict
from rushes.checks.quotes import split_words

if TYPE_CHECKING:
    from rushes.checks.base import Frame, Samples
    from rushes.media import MediaInfo

MAX_ANSWER = 80
"""Characters of the answer that the message repeats."""
_NUMBERS = {str(n): word for n, word in enumerate(
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
)}  # fmt: skip


def is_question(name: str) -> bool:
    """Whether an entry of ``checks`` is a question with its answer, not a name."""
    question, mark, answer = name.rpartition("?")
    return bool(mark and question.strip() and answer.strip())


class QuestionCheck:
    """A reader gives the expected answer."""

    version = 1
    about = "a reader does not give the expected answer"

    def __init__(self, name: str) -> None:
        question, _, answer = name.rpartition("?")
        self.name = name
        self._question = f"{' '.join(question.split())}?"
        self._expected = [words for words in map(_read, answer.split("|")) if words]

    def make_questions(self, prompt: str) -> tuple[str, ...]:
        """The question, whatever the prompt."""
        return (self._question,)

    def judge(self, info: MediaInfo, expect: Expectation | None) -> Judge:
        """A fresh judge for one file."""
        return QuestionJudge(self.name, self._expected)


class QuestionJudge:
    """Is told what a reader answered."""

    def __init__(self, name: str, expected: list[list[str]]) -> None:
        self._name, self._expected = name, expected
        self._answers: Sequence[Answered] = ()

    def see_answers(self, answers: Sequence[Answered]) -> None:
        """What a reader said to the question."""
        self._answers = answers

    def see_frame(self, seconds: float, frame: Frame) -> None:
        """The reader has looked."""

    def hear_samples(self, seconds: float, samples: Samples, rate: int) -> None:
        """Sound is not looked at."""

    def give_verdict(self) -> Verdict:
        said = " ".join(self._answers[0].answer.split()) if self._answers else ""
        held = any(_contains(_read(said), words) for words in self._expected)
        shown = said if len(said) <= MAX_ANSWER else f"{said[: MAX_ANSWER - 1]}…"
        message = f"the answer is “{shown.rstrip('.')}”" if self._answers else "nobody was asked"
        return Verdict(self._name, float(held), 1.0, message, (), {"answer": said[:200]})


def _read(text: str) -> list[str]:
    return [_NUMBERS.get(word, word) for word in split_words(text)]


def _contains(said: list[str], words: list[str]) -> bool:
    """Whether the words stand in what was said, one after the other; yes and no at its beginning,
    and after no "not"."""
    if words in (["yes"], ["no"]):
        return said[:1] == words
    places = range(len(said) - len(words) + 1)
    return any(said[n : n + len(words)] == words and "not" not in said[:n] for n in places)
