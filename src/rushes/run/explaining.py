"""What it takes to read a long file window by window, before anything is read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rushes.catalogue.load import find_reader_entry
from rushes.errors import MediaError, UsageError
from rushes.readers.base import ReaderSettings
from rushes.readers.budget import read_entry
from rushes.readers.openai import make_settings
from rushes.readers.selection import Selection
from rushes.run.finding import Search
from rushes.run.locating import LEADS, list_statements, wants_windows
from rushes.run.reader import find_server
from rushes.spec.project import Project


@dataclass(frozen=True, slots=True)
class LongLook:
    """What one question or event takes.

    Args:
        question: as it was put.
        seconds: of a window, at most.
        windows: at least; a scene has windows of its own.
        statements: what a window is asked first, one after the other, as long as it says yes.
        looks: how often it is asked for the time where it does, at most; 0 for an event.
    """

    question: str
    seconds: float
    windows: int
    statements: tuple[str, ...]
    looks: int

    def to_dict(self) -> dict[str, object]:
        """An entry of ``explain`` under ``--json``."""
        return {
            "question": self.question,
            "window_seconds": self.seconds,
            "windows": self.windows,
            "statements": list(self.statements),
            "looks": self.looks,
        }

    def describe(self) -> list[str]:
        """Lines for people."""
        asked = "; ".join(self.statements) or self.question
        lines = [f"{self.windows} or more of at most {self.seconds:g} s, each asked: {asked}"]
        if self.looks:
            lines.append(f"where it says yes, up to {self.looks} looks at: {self.question}")
        return lines


def explain_questions(
    path: Path,
    questions: Sequence[str],
    reader: str,
    selection: Selection,
    project: Project | None = None,
) -> list[LongLook]:
    """Those of the questions that are put to every window.

    Raises:
        UsageError: no such reader.
    """
    server = find_server(reader, project)
    entry = find_reader_entry(reader if server is None else server.like)
    settings: ReaderSettings = read_entry(entry) if server is None else make_settings(server)
    longest, looks = entry.sampling.window_seconds, 1 + len(LEADS)
    long = [q for q in questions if wants_windows(settings, path, q, selection)]
    return [
        LongLook(q, longest, _count(path, selection, longest), list_statements(q), looks)
        for q in long
    ]


def explain_search(
    path: Path, search: Search, reader: str, project: Project | None = None
) -> LongLook:
    """What searching one file takes.

    Raises:
        UsageError: no such reader, or not a video.
    """
    server = find_server(reader, project)
    entry = find_reader_entry(reader if server is None else server.like)
    longest = search.window_seconds or entry.sampling.window_seconds
    windows = _count(path, search.selection, longest)
    return LongLook(search.event, longest, windows, search.questions, 0)


def _count(path: Path, selection: Selection, longest: float) -> int:
    from rushes.media import probe

    try:
        seconds = selection.clip(probe(path).duration_seconds)
    except MediaError as exc:
        raise UsageError(exc.message, where=exc.where or str(path), hint=exc.hint) from exc
    return max(1, math.ceil((seconds or 0.0) / longest))
