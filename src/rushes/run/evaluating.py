"""A suite asked of several readers, one after the other, through the store and the ledger.

What was asked before is a hit, so that an evaluation that was stopped goes on, and a second one
with the same weights, toolchain and files gives the same answers without asking. Decoding is
greedy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from rushes.catalogue.load import find_reader_entry
from rushes.errors import RushesError, StoreError, UsageError
from rushes.evals.asking import write_question
from rushes.evals.published import Loaded
from rushes.evals.scoring import score_answer
from rushes.evals.suite import Case, find_video
from rushes.evals.tally import Evaluation, Outcome, Trial
from rushes.readers.base import Answer
from rushes.readers.sampling import EVERYTHING
from rushes.readers.selection import Selection
from rushes.run.reader import check_reader, find_server
from rushes.run.reading import Reading, Session, open_reading
from rushes.spec.project import Project

Progress = Callable[[str, int, int], None]
"""Told of the model, the questions that it answered, and how many there are."""


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """How a suite is asked.

    Args:
        folder: where the store is.
        selection: how densely videos are looked at; a case's part of its video wins.
        usd_per_hour: what runs the readers; None where nobody says.
        keep: False keeps nothing in the store.
    """

    folder: Path
    device: str = "auto"
    project: Project | None = None
    selection: Selection = EVERYTHING
    usd_per_hour: float | None = None
    keep: bool = True


def evaluate(
    loaded: Loaded, models: Sequence[str], settings: EvaluationSettings, progress: Progress
) -> Evaluation:
    """Ask every model every question, and judge the answers.

    A file that cannot be read, or a question that a reader cannot answer, counts as wrong and is
    told; all models are asked the same.

    Raises:
        UsageError: no such model, or one is named twice.
        Refused: the policy does not allow one of them; nothing was asked of any.
        LockRefused: the weights of one are not here.
        StoreError: the store cannot be used.
        Interrupted: the user stopped it; what was answered is kept.
    """
    if not models:
        raise UsageError("no model is named", hint="--models a,b, or models = […] in the suite")
    if len(set(models)) < len(models):
        raise UsageError("a model is named twice", hint="name each once")
    for model in models:
        server = find_server(model, settings.project)
        entry = find_reader_entry(model if server is None else server.like)
        check_reader(entry, server, settings.project)
    trials = [_try_model(loaded, model, settings, progress) for model in models]
    return Evaluation(loaded.suite, tuple(trials), loaded.skipped)


def _try_model(
    loaded: Loaded, model: str, settings: EvaluationSettings, progress: Progress
) -> Trial:
    found: dict[str, Outcome] = {}
    cases, project = loaded.suite.cases, settings.project
    progress(model, 0, len(cases))
    with open_reading(
        settings.folder, model, device=settings.device, project=project, keep=settings.keep,
        command="eval",
    ) as session:  # fmt: skip
        for group in _group_cases(cases):
            for outcome in _ask_group(loaded, group, session, settings.selection):
                found[outcome.case] = outcome
            progress(model, len(found), len(cases))
    server = find_server(model, project)
    entry = find_reader_entry(model if server is None else server.like)
    outcomes = tuple(found[case.id] for case in cases)
    here = "this machine" if settings.device == "auto" else settings.device
    where = here if server is None else server.origin
    return Trial(model, entry.licence.id, where, outcomes, settings.usd_per_hour)


def _group_cases(cases: Sequence[Case]) -> Iterator[list[Case]]:
    """Those about the same part of the same video, which is then sampled and read once."""

    def name_part(case: Case) -> tuple[str, float, float]:
        return case.video, case.start or 0.0, -1.0 if case.end is None else case.end

    for _, group in groupby(sorted(cases, key=name_part), name_part):
        yield list(group)


def _ask_group(
    loaded: Loaded, cases: list[Case], session: Session, selection: Selection
) -> Iterator[Outcome]:
    from dataclasses import replace

    first = cases[0]
    path = find_video(loaded.suite, loaded.folder, first)
    part = selection
    if first.start is not None or first.end is not None:
        part = replace(selection, start_seconds=first.start or 0.0, end_seconds=first.end)
    questions = [write_question(loaded.suite, case) for case in cases]
    reading = next(session.read([path], questions, part))
    if reading.error is None:
        yield from _judge_all(cases, reading, session)
    elif isinstance(reading.error, StoreError):
        raise reading.error
    elif len(cases) == 1 or reading.plan is None:
        yield from (Outcome(case.id, "", None, fault=_tell(reading.error)) for case in cases)
    else:  # one question's fault is not another's
        for case in cases:
            yield from _ask_group(loaded, [case], session, selection)


def _judge_all(cases: Sequence[Case], reading: Reading, session: Session) -> Iterator[Outcome]:
    assert reading.plan is not None
    nodes = reading.plan.answers
    results = session.store.index.get_many([node.key for node in nodes if node.key is not None])
    for case, answer, node in zip(cases, reading.answers, nodes, strict=True):
        result = None if node.key is None else results.get(node.key)
        seconds = None if result is None else result.seconds
        yield _judge(case, answer, seconds, None if result is None else result.peak_bytes)


def _judge(case: Case, answer: Answer, seconds: float | None, peak: int | None) -> Outcome:
    score = score_answer(case, answer.answer, answer.spans)
    return Outcome(case.id, answer.answer, score, answer.tokens, seconds, peak)


def _tell(error: RushesError) -> str:
    return f"{type(error).__name__}: {error.message}"
