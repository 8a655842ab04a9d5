"""What a reader's words come to: a yes, or that what was asked about is not there."""

from __future__ import annotations

import re

_YES = re.compile(r"\W*(?:yes|true)\b", re.IGNORECASE)
_UNKNOWN = re.compile(
    r"\W*(?:unknown|not in this (?:clip|video)|i (?:do not|don't|cannot|can't) (?:know|tell|say)"
    r"|it (?:is not|isn't|cannot be|can't be) (?:clear|shown|seen|told)|not shown)\b",
    re.IGNORECASE,
)


def says_yes(text: str) -> bool:
    """Whether an answer begins with yes."""
    return _YES.match(text) is not None


def says_unknown(text: str) -> bool:
    """Whether an answer says that it cannot be told, or that there is no such thing."""
    return _UNKNOWN.match(text) is not None
