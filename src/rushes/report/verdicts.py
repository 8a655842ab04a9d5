"""Verdicts of a clip as the reports read them."""

from __future__ import annotations

import msgspec

from rushes.run.result import ClipResult


class SpanRow(msgspec.Struct, frozen=True):
    """A stretch of the clip, in seconds from its start."""

    start_seconds: float
    end_seconds: float
    note: str = ""


class CheckRow(msgspec.Struct, frozen=True):
    """One entry of ``checks`` of the ``--json`` contract; a score that is no number is None."""

    check: str
    passed: bool
    score: float | None = None
    threshold: float | None = None
    message: str = ""
    spans: list[SpanRow] = []
    evidence: dict[str, object] = {}


def read_verdicts(clip: ClipResult) -> list[CheckRow]:
    """The checks of a clip; rows of another shape (a foreign plug-in's) are left out."""
    rows = []
    for row in clip.checks:
        try:
            rows.append(msgspec.convert(row, CheckRow))
        except msgspec.ValidationError:
            continue
    return rows
