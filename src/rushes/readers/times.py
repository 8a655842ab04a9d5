"""The times in an answer, as spans of the clip.

Read are "at 0.8 s", "<0.8 seconds>", "from 0.5 to 1.2 s", "between 1 s and 2 s", "0:01 - 0:03" and
the like. A number that says how long something takes ("for 2 seconds") is not a time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rushes.readers.base import Span

_UNIT = r"\s*(?:seconds|second|secs|sec|s)\b"
_CLOCK = r"\d{1,2}(?::\d{2}){1,2}(?:\.\d+)?"
_NUMBER = r"\d+(?:\.\d+)?"
_LINK = r"\s*(?:-|–|—|to|and|until)\s*"
_RANGE = re.compile(
    rf"(?P<a>{_CLOCK}){_LINK}(?P<b>{_CLOCK})|(?P<c>{_NUMBER})(?:{_UNIT})?{_LINK}(?P<d>{_NUMBER}){_UNIT}",
    re.IGNORECASE,
)
_MOMENT = re.compile(rf"(?P<a>{_CLOCK})|(?P<c>{_NUMBER}){_UNIT}", re.IGNORECASE)
_LENGTH = re.compile(r"\b(?:for|lasts?|lasting|takes?|every|within|over)\s+(?:about\s+)?$", re.I)
_CLAUSE = re.compile(r"[^;,\n.]+(?:\.\d[^;,\n.]*)*")


def find_spans(answer: str, end_seconds: float) -> tuple[Span, ...]:
    """Spans in the order of the words, each with its clause.

    Args:
        end_seconds: where the clip ends; a time after it is not in the clip and left out.
    """
    spans = []
    for clause in _CLAUSE.finditer(answer):
        text = clause.group().strip()
        for start, end in _read_times(clause.group()):
            if start <= end <= end_seconds:
                spans.append(Span(start, end, text))
    return tuple(spans)


def find_end(seconds: Sequence[float]) -> float:
    """Seconds after which an answer's times are not of the clip: one step after the last frame."""
    return seconds[-1] + (seconds[-1] - seconds[0]) / max(len(seconds) - 1, 1)


def list_times(seconds: Sequence[float]) -> str:
    """The times of frames in a sentence, for models whose frames carry none of their own."""
    listed = ", ".join(f"{time:.1f}" for time in seconds)
    return f"The {len(seconds)} frames of the video are shown at these seconds: {listed}."


def _read_times(clause: str) -> list[tuple[float, float]]:
    found: list[tuple[int, float, float]] = []

    def take_range(match: re.Match[str]) -> str:
        first, last = (match["a"], match["b"]) if match["a"] else (match["c"], match["d"])
        found.append((match.start(), _seconds(first), _seconds(last)))
        return " " * len(match.group())

    rest = _RANGE.sub(take_range, clause)
    for match in _MOMENT.finditer(rest):
        if not _LENGTH.search(rest[: match.start()]):
            moment = _seconds(match["a"] or match["c"])
            found.append((match.start(), moment, moment))
    return [(start, end) for _, start, end in sorted(found)]


def _seconds(text: str) -> float:
    """ "0.8" is 0.8, "1:02.5" is 62.5."""
    total = 0.0
    for part in text.split(":"):
        total = total * 60 + float(part)
    return total
