"""A long file read part by part: what ``find``, ``describe`` and ``ask`` about when share.

Frames of about a minute are one sample; each part of it is a node of its own, so that what was
stopped goes on where it was, and memory does not grow with the file.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from rushes.errors import MediaError, UsageError
from rushes.plan.nodes import Node
from rushes.plan.reading import pad_questions, plan_answer, plan_cuts, plan_sample
from rushes.readers.base import Sampling
from rushes.readers.selection import Selection
from rushes.readers.windows import Span, group_windows, join_short, place_windows
from rushes.run.reading import Session
from rushes.spec.given import SourceFile
from rushes.stages.ask import AnswerRow, look_at, read_answers
from rushes.stages.cuts import Scenes

REEL_SECONDS = 64.0
"""Frames that are sampled together."""
REELS = 4
"""Samples that are planned together: the next are taken while the parts of one are read."""


@dataclass(frozen=True, slots=True)
class Part:
    """What was said of one part: one row a question.

    Args:
        sample: the node of the frames that it was read from.
    """

    span: Span
    rows: tuple[AnswerRow, ...]
    sample: Node


def find_scenes(session: Session, path: Path, selection: Selection) -> Scenes:
    """Where a file's scenes begin, within what was selected.

    Raises:
        UsageError: not a video.
        StageFailed: it cannot be read.
    """
    source = session.find_source(path)
    node = plan_cuts(session.asked, source)
    session.note_source(source, [node])
    ran = session.runner.run([(str(path), (node,))])
    if (error := ran.find_error((node,))) is not None:
        if isinstance(error, MediaError):
            raise UsageError(error.message, where=error.where or str(path), hint=error.hint)
        raise error
    data = session.runner.open(node)["scenes"].read_bytes()
    scenes = msgspec.json.decode(data, type=Scenes)
    first = selection.start_seconds
    end = min(scenes.end, selection.end_seconds or math.inf)
    starts = [max(start, first) for start, last in scenes.spans if last > first and start < end]
    if not starts:
        raise UsageError(f"there is nothing to read between {first:g} and {end:g} s of {path.name}")
    suspected = tuple(cut for cut in scenes.suspected if first < cut < end)
    return Scenes(tuple(starts), end, scenes.lost, suspected)


def list_scenes(scenes: Scenes) -> list[Span]:
    """(start, end) of every scene that is long enough to be one."""
    return join_short(scenes.spans)


def read_parts(
    session: Session,
    path: Path,
    windows: Sequence[Span],
    questions: Sequence[str],
    *,
    weigh: bool = False,
    fps: float | None = None,
    among: Sequence[Span] = (),
) -> Iterator[Part]:
    """Every window, with the answers to all questions; in order, where windows are.

    Args:
        weigh: also say how likely a yes is.
        fps: frames a second in the place of the reader's own.
        among: all windows of the file, of which these are some, or pieces: their frames are used.

    Raises:
        RushesError: a part could not be read.
    """
    source = session.find_source(path)
    every = among or windows
    sampling, size = _plan_sampling(session, path, every, questions, fps)
    reels = [
        (group[0][0], max(end for _, end in group)) for group in group_windows(every, REEL_SECONDS)
    ]
    groups = iter(place_windows(windows, reels))
    while some := list(itertools.islice(groups, REELS)):
        yield from _read_reels(session, source, some, questions, sampling, size, weigh)


def _plan_sampling(
    session: Session,
    path: Path,
    windows: Sequence[Span],
    questions: Sequence[str],
    fps: float | None,
) -> tuple[Sampling, tuple[int, int]]:
    """How densely frames are sampled so that the longest window fits, and how large one is seen."""
    start, end = max(windows, key=lambda window: window[1] - window[0])
    part = Selection(fps=fps, start_seconds=start, end_seconds=end)
    asked = pad_questions(questions, None)
    look = look_at(path, session.settings, session.context, part, asked, None)
    dense = look.sampling.fps if look.frames >= look.wanted else look.frames / (end - start)
    return Sampling(dense, 1, 1), (look.size.height, look.size.width)


def _read_reels(
    session: Session,
    source: SourceFile,
    groups: Sequence[tuple[Span, Sequence[Span]]],
    questions: Sequence[str],
    sampling: Sampling,
    size: tuple[int, int],
    weigh: bool,
) -> Iterator[Part]:
    planned: list[tuple[Span, Node, tuple[Node, ...]]] = []
    for reel, group in groups:
        sample = _plan_reel(session, source, reel, sampling, size)
        for window in group:
            nodes = tuple(
                plan_answer(session.asked, sample, question, None, window, weigh=weigh)
                for question in questions
            )
            planned.append((window, sample, nodes))
    every = [node for _, sample, nodes in planned for node in (sample, *nodes)]
    unique = list(dict.fromkeys(every))
    session.note_source(source, unique)
    ran = session.runner.run([(str(source.path), unique)])
    if (error := ran.find_error(unique)) is not None:
        raise error
    for window, sample, nodes in planned:
        rows = [read_answers(session.runner.open(node)["answers"])[0] for node in nodes]
        yield Part(window, tuple(rows), sample)


def _plan_reel(
    session: Session,
    source: SourceFile,
    span: Span,
    sampling: Sampling,
    size: tuple[int, int],
) -> Node:
    first, last = span
    most = math.ceil((last - first) * sampling.fps) + 1
    reel = replace(sampling, min_frames=1, max_frames=most)
    part = Selection(start_seconds=first, end_seconds=last)
    return plan_sample(session.asked, source, reel, part, size)
