"""When something happens in a file that is longer than a reader can look at closely.

One even look at ten minutes sees a frame every ten seconds. So every window of scenes is asked
whether it happens; where one says yes, when; and a time counts as far as closer looks agree on it.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rushes.checks.prompt_statements import ask_for_things
from rushes.errors import MediaError
from rushes.readers.base import Answer, ReaderSettings, Span
from rushes.readers.selection import Selection, show_time
from rushes.readers.whens import Which, ask_whether, asks_when, pick_which
from rushes.readers.windows import Span as Window
from rushes.readers.words import ABSENT, offer_unknown, says_unknown
from rushes.run.parts import Part, find_scenes, read_parts
from rushes.run.reading import Session
from rushes.run.scoring import THRESHOLD, Looking, list_windows

MOST_TIMES = 50
"""Times that an answer names; the spans have all."""
LEADS = (1 / 4, 1 / 8)
"""Of a window: by so much closer looks begin before a time. They end half a window after it."""
AGREES = 1 / 8
"""Of a window: closer looks agree on a time that they name at most so far from it."""
SAME_STEPS = 1.5
"""Times that are so many sampled intervals apart are one."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A time that was named.

    Args:
        score: how likely it is one: how likely the reader's yes is, times the share of the looks
            that agree.
        frames: seconds of the frames that were read for it.
    """

    span: Span
    score: float
    frames: tuple[float, ...]
    part: Part


def wants_windows(
    settings: ReaderSettings, path: Path, question: str, selection: Selection
) -> bool:
    """Whether a question is about a time in a file that one look would be too coarse for."""
    from rushes.media import probe

    if not asks_when(question) or selection.by != "even" or selection.frames is not None:
        return False
    try:
        seconds = selection.clip(probe(path).duration_seconds)
    except MediaError:
        return False  # reading it says what is wrong
    sampling = selection.apply(settings.sampling)
    return seconds is not None and seconds > sampling.max_frames / sampling.fps


def list_statements(question: str) -> tuple[str, ...]:
    """What a part is asked before it is asked when; nothing where that cannot be said."""
    whether = ask_whether(question)
    return () if whether is None else (*ask_for_things(question), whether)


def ask_when(session: Session, path: Path, question: str, selection: Selection) -> Answer:
    """The time, or the times; "not in this clip" where no window has one.

    Raises:
        RushesError: it cannot be read.
    """
    scenes = find_scenes(session, path, selection)
    longest = session.asked.entry.sampling.window_seconds
    windows = list_windows(scenes, longest)
    looking = Looking(session, path, scenes, windows, longest, selection.fps)
    scored = looking.search(list_statements(question))
    scores = {one.span: one.score for one in scored if one.score >= looking.enough}
    asked = question if session.asked.entry.says_absent else offer_unknown(question)
    parts = _ask(looking, sorted(scores), asked)
    which = pick_which(question)
    hits = [
        Hit(span, scores[part.span], part.rows[0].frames, part)
        for part in parts
        for span in find_times(part)[: None if which == "all" else 1]
    ]
    closer = {hit.span: list_closer(hit, looking) for hit in hits}
    looks = {
        part.span: part for part in _ask(looking, sorted(set().union(*closer.values())), asked)
    }
    hits = [agree(hit, [looks[w] for w in closer[hit.span]], longest * AGREES) for hit in hits]
    step = 1 / (selection.fps or session.settings.sampling.fps)
    chosen, sure = choose_hits(join_hits(hits, SAME_STEPS * step), which)
    tokens = sum(one.tokens for one in scored)
    tokens += sum(part.rows[0].tokens for part in (*parts, *looks.values()))
    return _write_answer(chosen, sure, session.asked.name, tokens, scenes.lost)


def _ask(looking: Looking, windows: Sequence[Window], asked: str) -> list[Part]:
    if not windows:
        return []
    session, path = looking.session, looking.path
    return list(read_parts(session, path, windows, [asked], fps=looking.fps, among=looking.windows))


def find_times(part: Part) -> tuple[Span, ...]:
    """The times that a part's answer names; none where it says that there is no such thing."""
    row = part.rows[0]
    return () if says_unknown(row.answer) else row.spans


def list_closer(hit: Hit, looking: Looking) -> list[Window]:
    """Windows that begin shortly before a time, within its scene and other than the one that it
    was read from."""
    start, end = looking.find_bounds(hit.part.span)
    moment, longest = hit.span.start_seconds, looking.longest
    last = min(end, moment + longest / 2)
    found = [(max(start, moment - lead * longest), last) for lead in LEADS]
    return [w for w in dict.fromkeys(found) if w != hit.part.span and w[1] > w[0]]


def agree(hit: Hit, looks: Sequence[Part], within: float) -> Hit:
    """The hit at the median of the times that looks name near it, worth what share of them do."""
    moment, frames = hit.span.start_seconds, set(hit.frames)
    named = [moment]
    for part in looks:
        times = [span.start_seconds for span in find_times(part)]
        near = min(times, key=lambda time: abs(time - moment), default=None)
        if near is not None and abs(near - moment) <= within:
            named.append(near)
            frames |= set(part.rows[0].frames)
    shift = statistics.median(named) - moment
    span = replace(
        hit.span,
        start_seconds=round(moment + shift, 3),
        end_seconds=round(hit.span.end_seconds + shift, 3),
    )
    score = hit.score * len(named) / (1 + len(looks))
    return Hit(span, score, tuple(sorted(frames)), hit.part)


def join_hits(hits: Iterable[Hit], apart: float) -> list[Hit]:
    """In order of time; of those that are at most so far apart the likeliest."""
    found: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: hit.span.start_seconds):
        if found and hit.span.start_seconds - found[-1].span.start_seconds <= apart:
            found[-1] = max(found[-1], hit, key=lambda hit: hit.score)
        else:
            found.append(hit)
    return found


def choose_hits(hits: Sequence[Hit], which: Which) -> tuple[list[Hit], bool]:
    """Those that answer the question, and whether they are likely; else the likeliest of all."""
    likely = [hit for hit in hits if hit.score >= THRESHOLD]
    if not likely:
        return ([max(hits, key=lambda hit: hit.score)] if hits else []), False
    return {"first": likely[:1], "last": likely[-1:], "all": likely}[which], True


def _write_answer(
    hits: Sequence[Hit], sure: bool, model: str, tokens: int, lost: tuple[str, ...]
) -> Answer:
    told = ", ".join(f"at {show_time(hit.span.start_seconds)}" for hit in hits[:MOST_TIMES])
    told = told if sure or not told else f"perhaps {told}"
    frames = tuple(sorted({time for hit in hits for time in hit.frames}))
    server = hits[0].part.rows[0].server if hits else None
    spans = tuple(hit.span for hit in hits)
    return Answer(told or ABSENT, spans, frames, model, tokens, lost, server)
