"""What is shown when: a file as chapters, each described by a reader."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from pathlib import Path

from rushes.readers.sampling import EVERYTHING
from rushes.readers.selection import Selection
from rushes.readers.windows import Span
from rushes.run.parts import find_scenes, list_scenes, read_parts
from rushes.run.reading import Session, find_path, require_text

QUESTION = "what happens?"


@dataclass(frozen=True, slots=True)
class Chapter:
    """A stretch of the file.

    Args:
        text: what the reader says of it.
        frames: seconds of the frames that it was read from; they are kept in the store.
    """

    start_seconds: float
    end_seconds: float
    text: str
    frames: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Description:
    """All chapters, in order, without gaps.

    Args:
        tokens: of all that was read and said.
        lost: what could not be read, a phrase each.
    """

    chapters: tuple[Chapter, ...]
    model: str
    tokens: int
    lost: tuple[str, ...]


def describe_file(
    session: Session,
    source: str | Path,
    question: str = QUESTION,
    selection: Selection = EVERYTHING,
    chapter_seconds: float | None = None,
) -> Description:
    """Chapters are scenes; long ones are cut evenly, and neighbours of one text are one.

    Args:
        chapter_seconds: the longest that is read at once; None for what suits the reader.

    Raises:
        RushesError: it cannot be read.
    """
    require_text(question)
    path = find_path(source)
    scenes = find_scenes(session, path, selection)
    longest = chapter_seconds or session.asked.entry.sampling.chapter_seconds
    windows = [piece for scene in list_scenes(scenes) for piece in cut_evenly(scene, longest)]
    chapters, tokens = list[Chapter](), 0
    for part in read_parts(session, path, windows, [question], fps=selection.fps):
        row = part.rows[0]
        tokens += row.tokens
        chapter = Chapter(*part.span, " ".join(row.answer.split()), row.frames)
        if chapters and chapters[-1].text == chapter.text:
            last = chapters.pop()
            chapter = replace(
                last, end_seconds=chapter.end_seconds, frames=last.frames + chapter.frames
            )
        chapters.append(chapter)
    return Description(tuple(chapters), session.asked.name, tokens, scenes.lost)


def cut_evenly(scene: Span, longest: float) -> list[Span]:
    """A scene in the fewest pieces of equal length that are at most ``longest`` seconds."""
    start, end = scene
    count = max(math.ceil((end - start) / longest - 1e-9), 1)
    edges = [start + (end - start) * k / count for k in range(count)] + [end]
    return list(itertools.pairwise(edges))
