"""prompt: whether the clip shows what its prompt says, by the answers of a reader.

It looks at no pixel itself: what the prompt says becomes questions, a reader is asked them in a
stage of its own, and the verdict counts the answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rushes.checks.base import Answered, Expectation, Judge, Verdict

if TYPE_CHECKING:
    from rushes.checks.base import Frame, Samples
    from rushes.media import MediaInfo

THRESHOLD = 1.0
"""A clip that lacks one of the things it was asked for is not what was asked for."""
MAX_ANSWER = 60
"""Characters of an answer in the evidence: enough for a sentence, whatever a reader says."""
_YES = re.compile(r"\W*yes\b", re.IGNORECASE)


class PromptCheck:
    """What the prompt says is in the clip."""

    name = "prompt"
    version = 1
    about = "the clip does not show what the prompt says, as far as a reader can tell"

    def make_questions(self, prompt: str) -> tuple[str, ...]:
        """Questions about the parts of the prompt, answered by yes where they hold."""
        from rushes.checks.prompt_statements import make_questions

        return make_questions(prompt)

    def judge(self, info: MediaInfo, expect: Expectation | None) -> Judge:
        """A fresh judge for one file."""
        return PromptJudge()


class PromptJudge:
    """Is told what a reader answered."""

    def __init__(self) -> None:
        self._answers: Sequence[Answered] = ()

    def see_answers(self, answers: Sequence[Answered]) -> None:
        """What a reader said to the questions of this check."""
        self._answers = answers

    def see_frame(self, seconds: float, frame: Frame) -> None:
        """The reader has looked."""

    def hear_samples(self, seconds: float, samples: Samples, rate: int) -> None:
        """Sound is not looked at."""

    def give_verdict(self) -> Verdict:
        total = len(self._answers)
        failed = [answered for answered in self._answers if not _YES.match(answered.answer)]
        held = total - len(failed)
        said = "; ".join(f"{each.question} {_shorten(each.answer)}".strip() for each in failed)
        return Verdict(
            "prompt",
            held / total if total else 0.0,
            THRESHOLD,
            _describe(total, failed),
            (),
            {"statements": total, "held": held, "failed": said},
        )


def _shorten(answer: str) -> str:
    words = " ".join(answer.split())
    return words if len(words) <= MAX_ANSWER else f"{words[: MAX_ANSWER - 1]}…"


def _describe(total: int, failed: list[Answered]) -> str:
    if not total:
        return "nothing was asked about the clip"
    if not failed:
        return f"all that the prompt says holds ({total} asked)"
    questions = ", ".join(f"“{each.question}”" for each in failed)
    return f"{len(failed)} of {total} statements of the prompt fail: {questions}"


CHECK = PromptCheck()
