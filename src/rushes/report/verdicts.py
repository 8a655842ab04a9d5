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
    """One entry of ``checks`` of the ``--json`` contract; a score that is no number is None.

    Args:
        calibrated: the check's own threshold, where the project's is another.
        accepted: the score of the accepted take that this one is held to.
    """

    check: str
    passed: bool
    score: float | None = None
    threshold: float | None = None
    message: str = ""
    spans: list[SpanRow] = []
    evidence: dict[str, object] = {}
    level: str = "fail"
    calibrated: float | None = None
    accepted: float | None = None

    @property
    def refuses(self) -> bool:
        """Whether it is why the clip did not pass."""
        return not self.passed and self.level != "warn"


def read_verdicts(clip: ClipResult) -> list[CheckRow]:
    """The checks of a clip; rows of another shape (a foreign plug-in's) are left out."""
    rows = []
    for row in clip.checks:
        try:
            rows.append(msgspec.convert(row, CheckRow))
        except msgspec.ValidationError:
            continue
    return rows
