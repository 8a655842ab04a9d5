"""What a reader's words come to: a yes, or that what was asked about is not there."""

from __future__ import annotations

import re

_YES = re.compile(r"\W*(?:yes|true)\b", re.IGNORECASE)
_UNKNOWN = re.compile(
    r"\W*(?:(?:the answer is )?unknown|not in this (?:clip|video)|not sure|unclear|not shown"
    r"|i (?:do not|don't|cannot|can't|can not) (?:know|tell|say|determine)"
    r"|(?:it )?(?:is not|isn't|cannot be|can't be|can not be) (?:clear|shown|seen|told|determined)"
    r"|(?:it is |it's )?(?:not possible|impossible) to (?:tell|say|determine))\b",
    re.IGNORECASE,
)


ABSENT = "not in this clip"
"""What a reader that is told that it may says of what is not shown."""


def offer_unknown(question: str) -> str:
    """The question, with what to say where the video does not show it."""
    offer = f"If the video does not show it, answer: {ABSENT}."
    return question if question.endswith(offer) else f"{question.strip()} {offer}"


def says_yes(text: str) -> bool:
    """Whether an answer begins with yes."""
    return _YES.match(text) is not None


def says_unknown(text: str) -> bool:
    """Whether an answer says that it cannot be told, or that there is no such thing."""
    return _UNKNOWN.match(text) is not None
