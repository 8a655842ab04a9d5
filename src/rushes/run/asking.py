"""Questions about any video file: the stage ``ask`` on a device worker, outside any build."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from rushes.canon import digest_value
from rushes.catalogue.load import find_reader_entry
from rushes.catalogue.reader import DEFAULT_READER, ReaderEntry
from rushes.checks.base import Answered
from rushes.checks.registry import make_questions
from rushes.errors import MediaError, UsageError
from rushes.hub import find_checkpoint
from rushes.plan.nodes import Node
from rushes.plan.order import Step
from rushes.readers.base import find_reader
from rushes.run.execute import LocalExecutor, Outcome, SilentObserver
from rushes.spec.given import SourceFile
from rushes.spec.project import Shot
from rushes.stages.ask import AnswerRow, AskParams, read_answers
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
) -> list[AnswerRow]:
    """Answers about a video file, in the order of the questions.

    The reader is loaded once and looks at the clip once, in a process of its own; nothing of it is
    kept on the disk.

    Args:
        questions: the check that asks (empty where a person does), and the question.

    Raises:
        UsageError: no such reader, an empty question, or not a video.
        LockRefused: the reader's weights are not here.
        StageFailed: the reader could not answer.
    """
    entry = find_reader_entry(reader)
    for _, question in questions:
        _require_text(question)
    try:
        _require_picture(path)
        find_checkpoint(entry)
        params = AskParams(reader, find_reader(entry.family).version, tuple(questions))
        file = SourceFile(path.absolute(), digest_file(path))
        return _run_stage(params, file, entry, device)
    except MediaError as exc:
        raise UsageError(exc.message, where=exc.where or str(path), hint=exc.hint) from exc


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


def _require_picture(path: Path) -> None:
    """Say what is wrong with a file before a model is loaded for it."""
    from rushes.media import probe

    if probe(path).video is None:
        raise UsageError(f"there is no picture in {path.name}", where=str(path))


def _run_stage(
    params: AskParams, file: SourceFile, entry: ReaderEntry, device: str
) -> list[AnswerRow]:
    key = Key(digest_value([params, file.sha256]))
    step = Step(Node(key, "ask", params, (), entry.id, (("file", file),)), file.path.name, 0, ())
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="rushes-ask-") as name:
        store = Store(Path(name))
        with LocalExecutor(
            store, SilentObserver(), device, 1, NO_CHECKPOINTS_SECONDS, {entry.id: entry}
        ) as executor:
            executor.run([step], outcome)
        if key in outcome.broken:
            raise outcome.broken[key][1]
        result = store.index.get(key)
        assert result is not None
        return read_answers(store.read_outputs(result)["answers"])
