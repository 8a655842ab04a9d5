"""read: sampled frames and one question to a reader's answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from rushes.readers.base import Frames, LoadedReader
from rushes.readers.structured import Form
from rushes.stages.ask import answer_one
from rushes.stages.base import Job, Made, Params, Stage
from rushes.stages.reel import read_reel


class ReadParams(Params, frozen=True):
    """Who is asked what.

    Args:
        reader: its name in the catalogue, or the project's.
        version: of the reader's family.
        form: what the answer has to look like; None for words.
    """

    reader: str
    version: int
    question: str
    form: Form | None = None


_last: list[tuple[Path, Frames]] = []
"""The frames that were asked about last: a reader that gets the same object again does not look
again, and only hears the next question."""


def open_reel(files: Mapping[str, Path]) -> Frames:
    """The frames of a sample; those of the last one are the same object."""
    place = files["frames"]
    if not _last or _last[0][0] != place:
        _last[:] = [(place, read_reel(files))]
    return _last[0][1]


def run(job: Job) -> Made:
    """Ask one question."""
    assert job.reader is not None
    return answer_job(job, job.reader)


def answer_job(job: Job, reader: LoadedReader) -> Made:
    """The answer of a reader that is open, as a list of one row."""
    params: ReadParams = job.params
    frames = open_reel(job.inputs["frames"])
    said = answer_one(reader, frames, params.question, params.form, job.speak)
    said = replace(said, model=params.reader, lost=frames.lost)
    if said.server is not None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        said = replace(said, server=replace(said.server, asked_at=now))
    formed = {"formed": True} if said.formed else {}
    row = {"check": "", "question": params.question, **said.to_dict(), **formed}
    path = job.folder / "answers.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode([row]), indent=1))
    return Made({"answers": path})


PACKAGES = ("torch", "transformers", "tokenizers")
STAGE = Stage("read", 1, "device", 5, PACKAGES, ReadParams, run, loads_reader=True)
"""In no plan of a project: readings make it."""
