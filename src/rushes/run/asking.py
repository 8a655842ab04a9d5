"""Questions about any video file: the stage ``ask`` on a device worker, outside any build."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rushes.canon import digest_value
from rushes.catalogue.load import find_reader_entry
from rushes.catalogue.reader import DEFAULT_READER, ReaderEntry
from rushes.catalogue.server import ServedReader
from rushes.checks.base import Answered
from rushes.checks.registry import make_questions
from rushes.errors import MediaError, UsageError
from rushes.hub import find_checkpoint
from rushes.plan.nodes import Node
from rushes.plan.order import Step
from rushes.readers.base import ReaderSettings, find_reader
from rushes.readers.budget import Look, read_entry
from rushes.readers.openai import VERSION, find_context, make_settings, read_token
from rushes.readers.sampling import EVERYTHING
from rushes.readers.selection import Selection
from rushes.readers.structured import Form
from rushes.run.execute import LocalExecutor, Outcome, SilentObserver
from rushes.spec.given import SourceFile
from rushes.spec.project import Project, Shot
from rushes.spec.read import PROJECT_FILE
from rushes.spec.resolve import check_licence, load_project
from rushes.spec.servers import check_server
from rushes.stages.ask import AnswerRow, AskParams, look_at, read_answers
from rushes.stages.ask_server import ServerParams
from rushes.stages.check import group_answers
from rushes.stages.render_prompt import fill_template
from rushes.store.files import digest_file
from rushes.store.store import Store
from rushes.types import Key

NO_CHECKPOINTS_SECONDS = 3600.0
"""The stage saves no state; the executor asks for an interval."""


def ask_file(
    path: Path,
    questions: Sequence[tuple[str, str]],
    reader: str = DEFAULT_READER,
    device: str = "auto",
    selection: Selection = EVERYTHING,
    project: Project | None = None,
    form: Form | None = None,
) -> list[AnswerRow]:
    """Answers about a video file, in the order of the questions.

    The reader is loaded once and looks at the clip once, in a process of its own; nothing of it is
    kept on the disk.

    Args:
        questions: the check that asks (empty where a person does), and the question.
        selection: which part of the clip is looked at, and how.
        project: whose policy holds; None outside of one.
        form: what answers have to look like; None for words.

    Raises:
        AnswerInvalid: an answer does not follow the form, however often it is asked for.
        UsageError: no such reader, an empty question, or not a video.
        LicenceRefused: the policy does not list the reader's licence.
        PolicyRefused: nor its server, where it has one; nothing was read of the file.
        ServerError: its server cannot be reached, or answers nonsense.
        LockRefused: the reader's weights are not here.
        StageFailed: the reader could not answer.
    """
    server = find_server(reader, project)
    entry = find_reader_entry(reader if server is None else server.like)
    if project is not None:
        check_licence(project, entry)
        if server is not None:
            check_server(project, server)
    try:
        texts = [question for _, question in questions]
        explain_file(path, texts, reader, selection, project, form)
        asked = tuple(questions)
        if server is not None:
            read_token(server, os.environ)
            sent = ServerParams(reader, VERSION, asked, selection, form, server=server)
            return _run_stage(sent, path, None, device)
        find_checkpoint(entry)
        params = AskParams(reader, find_reader(entry.family).version, asked, selection, form)
        return _run_stage(params, path, entry, device)
    except MediaError as exc:
        raise UsageError(exc.message, where=exc.where or str(path), hint=exc.hint) from exc


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
        _require_text(question)
    settings: ReaderSettings
    if server is not None:
        settings, context = make_settings(server), find_context(server)
    else:
        entry = find_reader_entry(reader)
        settings, context = read_entry(entry), entry.context
    try:
        return look_at(path, settings, context, selection, questions, form)
    except MediaError as exc:
        raise UsageError(exc.message, where=exc.where or str(path), hint=exc.hint) from exc


def find_server(reader: str, project: Project | None) -> ServedReader | None:
    """A reader of the project's own; None for one of the catalogue."""
    return None if project is None else project.readers.get(reader)


def find_policy(folder: Path) -> Project | None:
    """The project whose policy holds in a folder; None outside of one.

    Raises:
        ProjectError: there is one, and it is wrong: what it allows is not known.
    """
    return load_project(folder, needs_shots=False) if (folder / PROJECT_FILE).is_file() else None


def ask_prompt(path: Path, shot: Shot, checks: Sequence[str]) -> dict[str, list[Answered]]:
    """What checks that ask want to know of a shot's clip, by check; empty where none asks."""
    questions = make_questions(checks, fill_template(shot.template, shot.variables))
    return group_answers(ask_file(path, questions) if questions else ())


def _require_text(question: str) -> None:
    if not question.strip():
        raise UsageError("the question is empty", hint="ask something about the clip")
    try:
        question.encode()
    except UnicodeEncodeError as exc:
        raise UsageError("the question is not text in UTF-8", hint="type it again") from exc


def _run_stage(
    params: AskParams, path: Path, entry: ReaderEntry | None, device: str
) -> list[AnswerRow]:
    """Answers; ``entry`` is None where a server is asked."""
    file = SourceFile(path.absolute(), digest_file(path))
    key = Key(digest_value([params, file.sha256]))
    stage, model = ("ask_server", None) if entry is None else ("ask", entry.id)
    step = Step(Node(key, stage, params, (), model, (("file", file),)), file.path.name, 0, ())
    outcome, entries = Outcome(), {} if entry is None else {entry.id: entry}
    with tempfile.TemporaryDirectory(prefix="rushes-ask-") as name:
        store = Store(Path(name))
        with LocalExecutor(
            store, SilentObserver(), device, 1, NO_CHECKPOINTS_SECONDS, entries
        ) as executor:
            executor.run([step], outcome)
        if key in outcome.broken:
            raise outcome.broken[key][1]
        result = store.index.get(key)
        assert result is not None
        return read_answers(store.read_outputs(result)["answers"])
