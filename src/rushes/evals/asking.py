"""What is asked for a case: its question, its options, and the form that an answer should have."""

from __future__ import annotations

from rushes.evals.suite import Case, Suite, list_letters

UNKNOWN = 'If it cannot be told from the video, answer "unknown".'
FORMS = {
    "choice": "Answer with the letter of the right option alone.",
    "text": "Answer in as few words as possible.",
    "interval": 'Answer with when it starts and ends, as "from 1.0 to 2.5 seconds".',
    "number": "Answer with a number alone.",
    "unknown": "Answer in as few words as possible.",
}


def write_question(suite: Suite, case: Case) -> str:
    """The words that a reader is asked; options always stand in it, by their letters."""
    options = [
        f"{letter}. {option}"
        for letter, option in zip(list_letters(len(case.options)), case.options, strict=True)
    ]
    lines = [case.question.strip(), *options, *([case.closing] if case.closing else [])]
    if not suite.plain:
        lines.append(f"{FORMS[_find_form(case)]} {UNKNOWN}")
    return "\n".join(lines)


def _find_form(case: Case) -> str:
    """Of a case that cannot be answered, the form that gives that away least."""
    return "choice" if case.options else case.expect.kind
