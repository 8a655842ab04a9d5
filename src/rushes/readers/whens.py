"""What a question for a time asks: whether it happens at all, and which of the times is meant."""

from __future__ import annotations

import re
from typing import Literal

Which = Literal["first", "last", "all"]

_WHEN = re.compile(
    r"\s*(?:when|at (?:what|which) (?:time|second|moment))\b(?:\s+exactly\b)?", re.IGNORECASE
)
_AUXILIARY = re.compile(
    r"\s*(?:do|does|did|is|are|was|were|will|would|can|could|has|have|had)\b", re.IGNORECASE
)
_TIMES = re.compile(
    r"\s+(?:for the (?P<a>first|last) time|(?<!the )(?<!a )(?<!an )(?<!at )(?P<b>first|last))\b",
    re.IGNORECASE,
)


def asks_when(question: str) -> bool:
    """Whether a question is one for a time."""
    return _WHEN.match(question) is not None


def ask_whether(question: str) -> str | None:
    """ "does it land?" of "when does it first land?"; None for a question of another build."""
    found = _WHEN.match(question)
    rest = "" if found is None else question[found.end() :].partition("?")[0]
    if not _AUXILIARY.match(rest):
        return None
    return _TIMES.sub("", rest).strip(" .!") + "?"


def pick_which(question: str) -> Which:
    """Which of several times answers the question."""
    found = _TIMES.search(question)
    if found is None:
        return "all"
    return "first" if (found["a"] or found["b"]).lower() == "first" else "last"
