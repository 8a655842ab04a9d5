"""Where in files something happens: windows, how likely each shows it, intervals of those."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rushes.checks.prompt_statements import make_questions
from rushes.errors import RushesError, StoreError, UsageError
from rushes.readers.sampling import EVERYTHING
from rushes.readers.selection import Selection
from rushes.readers.windows import merge_scores
from rushes.run.parts import find_scenes
from rushes.run.reading import Session, find_path, require_text
from rushes.run.scoring import ENOUGH, THRESHOLD, Looking, Scored, list_windows


@dataclass(frozen=True, slots=True)
class Interval:
    """Where it happens.

    Args:
        score: how likely, 0 to 1: the highest of its windows.
        frames: seconds of the frames that it was read from; they are kept in the store.
    """

    start_seconds: float
    end_seconds: float
    score: float
    frames: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found in one file.

    Args:
        windows: that were read.
        lost: what could not be read, a phrase each.
    """

    name: str
    intervals: tuple[Interval, ...] = ()
    windows: int = 0
    lost: tuple[str, ...] = ()
    error: RushesError | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched for, and how.

    Args:
        event: a sentence without its full stop, or a question to be answered by yes.
        window_seconds: the longest part that is read at once; None for what suits the reader.
        threshold: a score from which on it counts.
        fps: frames a second in the place of the reader's own.
    """

    event: str
    selection: Selection = EVERYTHING
    window_seconds: float | None = None
    threshold: float = THRESHOLD
    fps: float | None = None

    @property
    def questions(self) -> tuple[str, ...]:
        """What a reader is asked of every window: all have to be answered by yes."""
        text = self.event.strip()
        return (text,) if text.endswith("?") else make_questions(text)


def find_events(
    session: Session, sources: Iterable[str | Path], search: Search
) -> Iterator[Finding]:
    """A finding of every file, in order; a file's fault is in its finding.

    Raises:
        UsageError: there is nothing to look for.
        StoreError: the store cannot be used.
        Interrupted: the user stopped it; what was read is kept.
    """
    if not search.event.strip(" .?!"):
        raise UsageError("there is nothing to look for", hint='say what happens: "a door opens"')
    for question in search.questions:
        require_text(question)
    for source in sources:
        try:
            yield find_in(session, str(source), search)
        except StoreError:
            raise
        except RushesError as exc:
            if exc.exit_code == 130:
                raise
            yield Finding(str(source), error=exc)


def find_in(session: Session, name: str, search: Search) -> Finding:
    """Where it happens in one file.

    Raises:
        RushesError: it cannot be read.
    """
    path = find_path(name)
    scenes = find_scenes(session, path, search.selection)
    longest = search.window_seconds or session.asked.entry.sampling.window_seconds
    windows = list_windows(scenes, longest)
    enough = min(ENOUGH, search.threshold)
    looking = Looking(session, path, scenes, windows, longest, search.fps, enough)
    scored = looking.search(search.questions, search.threshold)
    intervals = tuple(
        Interval(start, end, round(score, 4), _cite(scored, start, end))
        for start, end, score in merge_scores([(s.span, s.score) for s in scored], search.threshold)
    )
    return Finding(name, intervals, len(windows), scenes.lost)


def _cite(scored: list[Scored], start: float, end: float) -> tuple[float, ...]:
    seconds = {t for one in scored for t in one.frames if start <= t < end}
    return tuple(sorted(seconds))
