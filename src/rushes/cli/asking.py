"""What ``rushes ask`` does with one file, and with many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rushes.cli.common import print_json
from rushes.cli.lines import Tally, open_lines, show_path, write_error
from rushes.errors import UsageError
from rushes.readers.base import Answer, Frames
from rushes.readers.budget import Look
from rushes.readers.selection import Selection
from rushes.readers.structured import Form
from rushes.readers.words import says_unknown
from rushes.run.asking import ask_file, explain_file
from rushes.run.checking import find_target
from rushes.run.explaining import LongLook, explain_questions
from rushes.run.reading import Reading, open_reading, require_text
from rushes.run.sources import list_sources
from rushes.spec.project import Project


@dataclass(frozen=True, slots=True)
class Asking:
    """What the command line says, whatever is asked of whom."""

    folder: Path
    model: str
    device: str
    project: Project | None
    selection: Selection
    form: Form | None
    keep: bool
    jobs: int
    unknown: bool = False


def explain_one(
    asking: Asking, video: str, questions: Sequence[str]
) -> tuple[Look, list[LongLook]]:
    """What would be looked at, and which questions are put to every window of a long file."""
    path = find_target(video, asking.folder)
    look = explain_file(
        path, questions, asking.model, asking.selection, asking.project, asking.form
    )
    if asking.form is not None:
        return look, []
    return look, explain_questions(path, questions, asking.model, asking.selection, asking.project)


def ask_one(
    asking: Asking, video: str, questions: Sequence[str], evidence: Path | None
) -> tuple[list[Answer], list[Path]]:
    """Answers about one file or shot, and the pictures that were written."""
    path = find_target(video, asking.folder)
    written: list[Path] = []
    with open_reading(
        asking.folder, asking.model, device=asking.device, project=asking.project,
        keep=asking.keep, jobs=asking.jobs,
    ) as session:  # fmt: skip
        asked = session.offer(questions) if asking.unknown else questions
        answers = ask_file(session, path, asked, asking.selection, asking.form)
        if evidence is not None:
            cited = sorted({seconds for answer in answers for seconds in answer.frames})
            written = write_evidence(session.fetch_cited(path, cited), asking.folder / evidence)
    return answers, written


def write_evidence(frames: Frames, folder: Path) -> list[Path]:
    """A PNG a frame, named by when it is shown.

    Raises:
        UsageError: they cannot be written there.
    """
    from rushes.media import encode_image

    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for pixels, seconds in zip(frames.pixels, frames.seconds, strict=True):
            written.append(folder / f"{seconds:010.3f}s.png")
            written[-1].write_bytes(encode_image(pixels, "png"))
    except OSError as exc:
        text = f"cannot write pictures to {folder}: {exc.strerror}"
        raise UsageError(text, where=str(folder)) from exc
    return written


def ask_batch(
    asking: Asking, batch: Sequence[str], questions: Sequence[str], out: Path | None, as_json: bool
) -> int:
    """A line of JSON a file; the exit code is the highest of all."""
    for question in questions:
        require_text(question)
    paths = list_sources(batch, asking.folder)
    if as_json and out is None:
        hint = "without --json the lines come on standard output"
        raise UsageError("--json of a batch is its summary: it needs --out FILE", hint=hint)
    tally = Tally(len(paths))
    with (
        open_reading(
            asking.folder, asking.model, device=asking.device, project=asking.project,
            keep=asking.keep, jobs=asking.jobs, command="ask --batch",
        ) as session,
        open_lines(None if out is None else asking.folder / out) as lines,
    ):  # fmt: skip
        asked = session.offer(questions) if asking.unknown else questions
        for reading in session.read(paths, asked, asking.selection, asking.form):
            name = show_path(reading.name, asking.folder)
            lines.write(to_line(reading, name, questions))
            tally.unknown += sum(says_unknown(answer.answer) for answer in reading.answers)
            stored = reading.error is None and reading.ran == 0
            tally.count(name, reading.error, stored=stored)
    if as_json:
        print_json({**tally.to_dict(), "unknown": tally.unknown})
    else:
        tally.finish()
    return tally.code


def to_line(reading: Reading, name: str, questions: Sequence[str]) -> dict[str, object]:
    """The line of one file."""
    if reading.error is not None:
        return write_error(name, reading.error)
    answers = [
        {"question": question, **answer.to_dict()}
        for question, answer in zip(questions, reading.answers, strict=True)
    ]
    return {"file": name, "answers": answers}
