"""How likely parts of a file show something: cheap looks first, closer ones where they say yes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rushes.readers.windows import Span, cut_windows, split_window
from rushes.run.parts import list_scenes, read_parts
from rushes.run.reading import Session
from rushes.stages.cuts import Scenes

THRESHOLD = 0.5
"""The score from which on something is taken to be there."""
ENOUGH = 0.1
"""The score from which on a window is looked at again; below it nothing more is asked."""
SHORTEST_PIECE = 0.5
"""Seconds of a window beside a suspected cut that are looked at alone."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A part, and how likely it shows what was asked about, 0 to 1.

    Args:
        frames: seconds of the frames that it was read from.
        tokens: of all that was asked about it.
    """

    span: Span
    score: float
    frames: tuple[float, ...]
    tokens: int


@dataclass(frozen=True, slots=True)
class Looking:
    """A file being searched.

    Args:
        windows: all of it, scene by scene.
        longest: of a window, in seconds.
        fps: frames a second in the place of the reader's own.
        enough: the score from which on a window is looked at again.
    """

    session: Session
    path: Path
    scenes: Scenes
    windows: tuple[Span, ...]
    longest: float
    fps: float | None = None
    enough: float = ENOUGH

    def score(self, windows: Sequence[Span], questions: Sequence[str]) -> list[Scored]:
        """How likely all questions are answered by yes: as likely as the least likely of them. One
        is asked after the other, and only of windows where the others came to ``enough``.

        Raises:
            RushesError: a part could not be read.
        """
        found: dict[Span, Scored] = {w: Scored(w, 1.0, (), 0) for w in windows}
        left = list(windows)
        for question in questions:
            if not left:
                break
            for part in read_parts(
                self.session, self.path, left, [question],
                weigh=True, fps=self.fps, among=self.windows,
            ):  # fmt: skip
                row, before = part.rows[0], found[part.span]
                score = min(row.yes if row.yes is not None else 0.0, before.score)
                tokens = row.tokens + before.tokens
                found[part.span] = Scored(part.span, score, row.frames, tokens)
            left = [window for window in left if found[window].score >= self.enough]
        return [found[window] for window in windows]

    def search(self, questions: Sequence[str], threshold: float = THRESHOLD) -> list[Scored]:
        """Every window; those that came to ``enough`` and in which a cut is suspected are looked
        at again piece by piece. Where a piece reaches the threshold, pieces stand for the window;
        where none does, its score is the mean of its own and that of its best piece.

        Raises:
            RushesError: a part could not be read.
        """
        scored = self.score(self.windows, questions)
        pieces = {
            one.span: split_window(one.span, self.scenes.suspected, SHORTEST_PIECE)
            for one in scored
            if one.score >= self.enough
        }
        pieces = {span: some for span, some in pieces.items() if some != [span]}
        wanted = sorted({piece for some in pieces.values() for piece in some})
        closer = {one.span: one for one in self.score(wanted, questions)}
        found: list[Scored] = []
        for one in scored:
            some = [closer[piece] for piece in pieces.get(one.span, ())]
            best = max((piece.score for piece in some), default=one.score)
            if some and best >= threshold:
                found += some
            else:
                found.append(Scored(one.span, (one.score + best) / 2, one.frames, one.tokens))
        return found

    def find_bounds(self, span: Span) -> Span:
        """The scene that a part lies in, or the piece of it between suspected cuts."""
        scenes = list_scenes(self.scenes)
        scene = next((s for s in scenes if s[0] <= span[0] and span[1] <= s[1]), span)
        pieces = split_window(scene, self.scenes.suspected, SHORTEST_PIECE)
        return next((p for p in pieces if p[0] <= span[0] and span[1] <= p[1]), span)


def list_windows(scenes: Scenes, longest: float) -> tuple[Span, ...]:
    """Windows of every scene, of at most so many seconds."""
    return tuple(w for scene in list_scenes(scenes) for w in cut_windows(scene, longest))
