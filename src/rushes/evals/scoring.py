"""Whether an answer is the one that was expected: by rule, without another model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rushes.evals.suite import INTERVAL_OVERLAP, Case, list_letters
from rushes.readers.base import Span
from rushes.readers.windows import overlap
from rushes.readers.words import says_unknown

_LETTER = re.compile(
    r"^\W*(?:the\s+)?(?:(?:best|right|correct)\s+)?(?:answer|option|choice)?\s*(?:is)?\s*[:：]?\s*"
    r"[\(\[*]*(?P<letter>[A-Z])(?:[\)\]*.:,]|\s|$)",
    re.IGNORECASE,
)
_LAST_LETTER = re.compile(
    r"\banswer(?:\s+is)?\s*[:：]?\s*[\(\[*$]*(?P<letter>[A-Z])\b(?!')", re.IGNORECASE
)
_NUMBER = re.compile(r"(?<![\w.])[-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[-+]?\d+)?", re.I)
_WORDS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen", "twenty",
)  # fmt: skip
_ARTICLES = frozenset({"a", "an", "the"})


@dataclass(frozen=True, slots=True)
class Score:
    """One answer, judged.

    Args:
        right: whether it is what was expected.
        unknown: whether it says that it cannot be told.
        unreadable: whether nothing of the expected kind is in it.
        false_yes: whether it says yes to what is not so, or not to be told; None where the case
            does not ask for yes or no.
        overlap: IoU of its interval with the expected one; None where none is expected.
    """

    right: bool
    unknown: bool
    unreadable: bool = False
    false_yes: bool | None = None
    overlap: float | None = None


def score_answer(case: Case, answer: str, spans: Sequence[Span] = ()) -> Score:
    """Judge an answer.

    Args:
        spans: the times that it names, in order; the first one with a length counts.
    """
    kind, unknown = case.expect.kind, says_unknown(answer)
    if kind == "unknown":
        return Score(unknown, unknown, false_yes=_says(answer, "yes"))
    if kind == "choice":
        letter = None if unknown else read_letter(answer, case.options)
        return Score(letter == case.expect.choice, unknown, letter is None and not unknown)
    if kind == "interval":
        return _score_interval(case, answer, spans, unknown)
    if kind == "number":
        number = None if unknown else read_number(answer)
        assert case.expect.number is not None
        near = number is not None and abs(number - case.expect.number) <= case.expect.tolerance
        return Score(near, unknown, number is None and not unknown)
    return _score_text(case, answer, unknown)


def _score_interval(case: Case, answer: str, spans: Sequence[Span], unknown: bool) -> Score:
    assert case.expect.interval is not None
    named = [(span.start_seconds, span.end_seconds) for span in spans]
    found = next((span for span in named if span[0] < span[1]), named[0] if named else None)
    if unknown or found is None:
        return Score(False, unknown, not unknown, overlap=0.0)
    shared = overlap(found, case.expect.interval)
    return Score(shared >= INTERVAL_OVERLAP, False, overlap=shared)


def _score_text(case: Case, answer: str, unknown: bool) -> Score:
    wanted = {normalise(text) for text in case.expect.text or ()}
    asks = wanted <= {"yes", "no"}
    if asks:
        right = any(_says(answer, word) for word in wanted)
        readable = unknown or _says(answer, "yes") or _says(answer, "no")
        false_yes = _says(answer, "yes") if wanted == {"no"} else None
        return Score(right and not unknown, unknown, not readable, false_yes)
    return Score(not unknown and normalise(answer) in wanted, unknown)


def _says(answer: str, word: str) -> bool:
    words = normalise(answer).split(" ", 1)
    return words[0] == word


def normalise(text: str) -> str:
    """Lower case, without punctuation and articles, one space between words."""
    words = re.sub(r"[^\w\s.-]", " ", text.casefold()).split()
    kept = [word.strip(".-_") for word in words]
    return " ".join(word for word in kept if word and word not in _ARTICLES)


def read_letter(answer: str, options: Sequence[str]) -> str | None:
    """The letter of the option that an answer names; None where that is not clear.

    Read are "B", "(B) a dog", "The answer is B.", a last line "Answer: B", and the option's own
    words where they are in the answer and no other option's are.
    """
    letters = list_letters(len(options))
    said = answer.strip()
    exact = [normalise(said) == normalise(option) for option in options]
    if sum(exact) == 1:
        return letters[exact.index(True)]
    for match in (_LETTER.match(said), *reversed(list(_LAST_LETTER.finditer(said)))):
        if match is None or match["letter"].upper() not in letters:
            continue
        if match["letter"] in ("a", "i", "A", "I") and _is_word(said, match):
            continue
        return match["letter"].upper()
    text = f" {normalise(said)} "
    within = [f" {normalise(option)} " in text for option in options]
    return letters[within.index(True)] if sum(within) == 1 else None


def _is_word(said: str, match: re.Match[str]) -> bool:
    """Whether "a" or "I" goes on as a sentence does: "A dog runs", "I think so"."""
    rest = said[match.end("letter") :]
    return bool(re.match(r"\s+[A-Za-z]", rest))


def read_number(answer: str) -> float | None:
    """The first number of an answer, in digits or, up to twenty, in words; None where none is."""
    found = _NUMBER.search(answer)
    word = re.search(rf"\b(?:{'|'.join(_WORDS)})\b", answer, re.IGNORECASE)
    if found and (word is None or found.start() < word.start()):
        return float(found.group().replace(",", "").replace("−", "-"))
    return float(_WORDS.index(word.group().lower())) if word else None
