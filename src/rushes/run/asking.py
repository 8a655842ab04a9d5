"""Questions about one video file: what ``rushes ask`` and the checks of a clip want."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rushes.catalogue.load import find_reader_entry
from rushes.catalogue.reader import DEFAULT_READER
from rushes.checks.base import Answered
from rushes.checks.registry import make_questions
from rushes.errors import MediaError, UsageError
from rushes.plan.reading import pad_questions
from rushes.readers.base import Answer, ReaderSettings
from rushes.readers.budget import Look, read_entry
from rushes.readers.openai import find_context, make_settings
from rushes.readers.sampling import EVERYTHING
from rushes.readers.selection import Selection
from rushes.readers.structured import Form
from rushes.run.locating import ask_when, wants_windows
from rushes.run.reader import find_server
from rushes.run.reading import Session, open_reading, require_text, take_one
from rushes.spec.project import Project, Shot
from rushes.stages.ask import look_at
from rushes.stages.render_prompt import fill_template


def explain_file(
    path: Path,
    questions: Sequence[str],
    reader: str = DEFAULT_READER,
    selection: Selection = EVERYTHING,
    project: Project | None = None,
    form: Form | None = None,
) -> Look:
    """What a reader would look at, and whether it has room for it; needs no weights.

    Raises:
        UsageError: no such reader, an empty question, not a video, or no room.
    """
    server = find_server(reader, project)
    for question in questions:
        require_text(question)
    settings: ReaderSettings
    if server is not None:
        settings, context = make_settings(server), find_context(server)
    else:
        entry = find_reader_entry(reader)
        settings, context = read_entry(entry), entry.context
    try:
        asked = pad_questions(questions, form)
        return look_at(path, settings, context, selection, asked, form)
    except MediaError as exc:
        raise UsageError(exc.message, where=exc.where or str(path), hint=exc.hint) from exc


def ask_file(
    session: Session,
    path: Path,
    questions: Sequence[str],
    selection: Selection = EVERYTHING,
    form: Form | None = None,
) -> list[Answer]:
    """Answers about one file: of one look, or, when something happens in a long one, of many.

    Raises:
        RushesError: it cannot be read, or no answer follows the form.
    """
    for question in questions:
        require_text(question)
    long = {
        question
        for question in questions
        if form is None and wants_windows(session.settings, path, question, selection)
    }
    short = [question for question in questions if question not in long]
    said = {question: ask_when(session, path, question, selection) for question in sorted(long)}
    if short:
        reading = take_one(session.read([path], short, selection, form))
        said |= dict(zip(short, reading.answers, strict=True))
    return [said[question] for question in questions]


def ask_prompt(
    path: Path, shot: Shot, checks: Sequence[str], folder: Path
) -> dict[str, list[Answered]]:
    """What checks that ask want to know of a shot's clip, by check; empty where none asks.

    Args:
        folder: the project's, where the answers are kept.
    """
    questions = make_questions(checks, fill_template(shot.template, shot.variables))
    found: dict[str, list[Answered]] = {}
    if not questions:
        return found
    with open_reading(folder, command="check") as session:
        reading = take_one(session.read([path], [question for _, question in questions]))
    for (check, question), answer in zip(questions, reading.answers, strict=True):
        found.setdefault(check, []).append(Answered(question, answer.answer))
    return found
