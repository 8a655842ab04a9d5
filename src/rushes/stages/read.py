"""read: sampled frames and one question to a reader's answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from rushes.errors import MediaError
from rushes.readers.base import Answer, Frames, LoadedReader
from rushes.readers.sampling import SLACK_SECONDS
from rushes.readers.structured import Form
from rushes.readers.words import says_yes
from rushes.stages.ask import answer_one
from rushes.stages.base import Job, Made, Params, Stage
from rushes.stages.reel import read_reel


class ReadParams(Params, frozen=True):
    """Who is asked what.

    Args:
        reader: its name in the catalogue, or the project's.
        version: of the reader's family.
        form: what the answer has to look like; None for words.
        part: from where to where of the sampled frames, in seconds; None for all. Times of a part
            count from its start, for the reader; in its answer they are the file's.
        weigh: also say how likely a yes is, where the reader can tell.
    """

    reader: str
    version: int
    question: str
    form: Form | None = None
    part: tuple[float, float] | None = None
    weigh: bool = False


_reel: dict[Path, Frames] = {}
_parts: dict[tuple[Path, tuple[float, float] | None], Frames] = {}
"""The frames that were asked about last: a reader that gets the same object again does not look
again, and only hears the next question."""


def open_part(files: Mapping[str, Path], part: tuple[float, float] | None) -> Frames:
    """The frames of a sample, or of a part of them; those of the last one are the same object."""
    place = files["frames"]
    if place not in _reel:
        _reel.clear()
        _reel[place] = read_reel(files)
    if (place, part) not in _parts:
        _parts.clear()
        _parts[place, part] = cut_part(_reel[place], part)
    return _parts[place, part]


def cut_part(frames: Frames, part: tuple[float, float] | None) -> Frames:
    """The frames of a part, with times that count from its start.

    Raises:
        MediaError: there are none.
    """
    if part is None:
        return frames
    start, end = part
    chosen = [k for k, t in enumerate(frames.seconds) if start - SLACK_SECONDS <= t < end]
    if not chosen:
        raise MediaError(f"there is no frame between {start:.2f} and {end:.2f} s")
    seconds = tuple(max(frames.seconds[k] - start, 0.0) for k in chosen)
    return Frames(tuple(frames.pixels[k] for k in chosen), seconds, frames.source, frames.lost)


def move_answer(answer: Answer, seconds: float) -> Answer:
    """An answer about a part in times of the file; its words are left as they were said."""
    spans = [
        replace(s, start_seconds=s.start_seconds + seconds, end_seconds=s.end_seconds + seconds)
        for s in answer.spans
    ]
    frames = tuple(round(t + seconds, 6) for t in answer.frames)
    return replace(answer, spans=tuple(spans), frames=frames)


def run(job: Job) -> Made:
    """Ask one question."""
    assert job.reader is not None
    return answer_job(job, job.reader)


def answer_job(job: Job, reader: LoadedReader) -> Made:
    """The answer of a reader that is open, as a list of one row."""
    params: ReadParams = job.params
    frames = open_part(job.inputs["frames"], params.part)
    said = answer_one(reader, frames, params.question, params.form, job.speak)
    yes = weigh_answer(reader, frames, params.question, said) if params.weigh else None
    if params.part is not None:
        said = move_answer(said, params.part[0])
    said = replace(said, model=params.reader, lost=frames.lost)
    if said.server is not None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        said = replace(said, server=replace(said.server, asked_at=now))
    formed = {"formed": True} if said.formed else {}
    weighed = {} if yes is None else {"yes": yes}
    row = {"check": "", "question": params.question, **said.to_dict(), **formed, **weighed}
    path = job.folder / "answers.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode([row]), indent=1))
    return Made({"answers": path})


def weigh_answer(reader: LoadedReader, frames: Frames, question: str, said: Answer) -> float:
    """How likely a yes is, 0 to 1; of a reader that cannot tell, whether its words are one."""
    weigh = getattr(reader, "weigh_yes", None)
    if weigh is not None:
        return round(float(weigh(frames, question)), 6)
    return 1.0 if says_yes(said.answer) else 0.0


PACKAGES = ("torch", "transformers", "tokenizers")
STAGE = Stage("read", 1, "device", 5, PACKAGES, ReadParams, run, loads_reader=True)
"""In no plan of a project: readings make it."""
