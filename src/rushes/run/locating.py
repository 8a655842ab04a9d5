"""When something happens in a file that is longer than a reader can look at closely.

One even look at ten minutes sees a frame every ten seconds. So the question is asked of every
window of scenes; where one answers with a time, a closer window around it is asked once more.
"""

from __future__ import annotations

import re
from pathlib import Path

from rushes.errors import MediaError
from rushes.readers.base import Answer, Span
from rushes.readers.selection import Selection, show_time
from rushes.readers.windows import Span as Window
from rushes.readers.windows import cut_windows
from rushes.readers.words import ABSENT, offer_unknown, says_unknown
from rushes.run.parts import Part, find_scenes, list_scenes, read_parts
from rushes.run.reading import Session
from rushes.stages.cuts import Scenes

_WHEN = re.compile(r"\s*(?:when|at (?:what|which) (?:time|second|moment))\b", re.IGNORECASE)
MOST_TIMES = 50
"""Times that an answer names; the spans have all."""


def wants_windows(session: Session, path: Path, question: str, selection: Selection) -> bool:
    """Whether a question is about a time in a file that one look would be too coarse for."""
    from rushes.media import probe

    if not _WHEN.match(question) or selection.by != "even" or selection.frames is not None:
        return False
    try:
        seconds = selection.clip(probe(path).duration_seconds)
    except MediaError:
        return False  # reading it says what is wrong
    sampling = selection.apply(session.settings.sampling)
    return seconds is not None and seconds > sampling.max_frames / sampling.fps


def ask_when(session: Session, path: Path, question: str, selection: Selection) -> Answer:
    """The times, coarse and then fine; "not in this clip" where no window has one.

    Raises:
        RushesError: it cannot be read.
    """
    scenes = find_scenes(session, path, selection)
    longest = session.asked.entry.sampling.window_seconds
    windows = [w for scene in list_scenes(scenes) for w in cut_windows(scene, longest)]
    asked = question if session.asked.entry.says_absent else offer_unknown(question)
    coarse = list(read_parts(session, path, windows, [asked], fps=selection.fps))
    closer = [window for part in coarse if (window := centre(part, scenes, longest)) is not None]
    fine = list(read_parts(session, path, closer, [asked], fps=selection.fps)) if closer else []
    better = {part.span: part for part in fine if find_times(part)}
    hits: list[Part] = []
    for part in coarse:
        if find_times(part):
            window = centre(part, scenes, longest)
            hits.append(part if window is None else better.get(window, part))
    tokens = sum(part.rows[0].tokens for part in (*coarse, *fine))
    return _write_answer(hits, session.asked.name, tokens, scenes)


def find_times(part: Part) -> tuple[Span, ...]:
    """The times that a part's answer names; none where it says that there is no such thing."""
    row = part.rows[0]
    return () if says_unknown(row.answer) else row.spans


def centre(part: Part, scenes: Scenes, longest: float) -> Window | None:
    """A window around the first time that a part names, within its scene; None where the part is
    all of a scene, or has it in its middle already."""
    times = find_times(part)
    if not times:
        return None
    moment = times[0].start_seconds
    scene = next((s for s in list_scenes(scenes) if s[0] <= part.span[0] < s[1]), part.span)
    if scene[1] - scene[0] <= longest:
        return None
    start = min(max(moment - longest / 2, scene[0]), scene[1] - longest)
    return None if abs(start - part.span[0]) < longest / 8 else (start, start + longest)


def _write_answer(hits: list[Part], model: str, tokens: int, scenes: Scenes) -> Answer:
    spans: dict[tuple[float, float], Span] = {}
    for part in hits:
        for span in find_times(part):
            at = round(span.start_seconds, 3), round(span.end_seconds, 3)
            spans.setdefault(at, Span(*at, span.text))
    ordered = tuple(spans[at] for at in sorted(spans))
    told = ", ".join(f"at {show_time(span.start_seconds)}" for span in ordered[:MOST_TIMES])
    frames = tuple(sorted({t for part in hits for t in part.rows[0].frames}))
    server = hits[0].rows[0].server if hits else None
    return Answer(told or ABSENT, ordered, frames, model, tokens, scenes.lost, server)
