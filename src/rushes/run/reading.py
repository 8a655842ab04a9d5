"""Readings: many files, some questions, one reader, through the store and the ledger.

What ``ask``, ``find`` and ``describe`` share. The reader is loaded once; frames and answers are
nodes with keys, so that what was read is not read again; memory does not grow with the files.

    with open_reading(folder, reader="spotter") as session:
        for reading in session.read(paths, ["what happens?"]):
            ...
"""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rushes.catalogue.load import find_reader_entry
from rushes.catalogue.reader import DEFAULT_READER
from rushes.errors import MediaError, RushesError, StageFailed, StoreError, UsageError
from rushes.plan.nodes import Node
from rushes.plan.reading import Asked, ReadingPlan, pad_questions, plan_reading
from rushes.readers.base import Answer, Frames, ReaderSettings
from rushes.readers.openai import find_context, read_token
from rushes.readers.sampling import EVERYTHING
from rushes.readers.selection import Selection
from rushes.readers.structured import Form
from rushes.readers.words import offer_unknown
from rushes.run.execute import Observer, SilentObserver
from rushes.run.reader import check_reader, find_asked, find_server, find_settings
from rushes.run.reading_nodes import NodeRunner, Ran
from rushes.run.retention import TEMPORARY, expire_kept, sweep_temporary
from rushes.spec.given import SourceFile
from rushes.spec.project import Project
from rushes.stages.ask import look_at, read_answers
from rushes.stages.reel import read_reel
from rushes.store.store import Store, find_store

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHUNK = 16
"""Files that are planned and run together: the next ones are sampled while one is read, and no
more than their names and keys are held."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of one file.

    Args:
        name: the file as it was named.
        answers: in the order of the questions; empty where there is an error.
        plan: its nodes; None where it could not be looked at.
        ran: nodes that were computed now; the others were stored.
        error: why there is no answer.
    """

    name: str
    path: Path
    answers: tuple[Answer, ...] = ()
    plan: ReadingPlan | None = None
    ran: int = 0
    error: RushesError | None = None

    @property
    def hits(self) -> int:
        """Nodes that were stored already."""
        return 0 if self.plan is None else len(self.plan.nodes) - self.ran


@dataclass(slots=True)
class Session:
    """One reader over one store; see :func:`open_reading`.

    Args:
        settings: how the reader looks.
        context: tokens of frames, question and answer together, at most.
    """

    runner: NodeRunner
    asked: Asked
    settings: ReaderSettings
    context: int
    _seen: dict[Path, SourceFile] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        """Where frames and answers are kept."""
        return self.runner.store

    def read(
        self,
        sources: Iterable[str | Path],
        questions: Sequence[str],
        selection: Selection = EVERYTHING,
        form: Form | None = None,
    ) -> Iterator[Reading]:
        """A reading of every file, in their order; a file's fault is in its reading.

        Args:
            selection: which part of each file is looked at, and how.
            form: what answers have to look like; None for words.

        Raises:
            UsageError: a question is empty.
            StoreError: the store cannot be used.
            Interrupted: the user stopped it; what was computed is kept.
        """
        for question in questions:
            require_text(question)
        rest = iter(sources)
        while chunk := list(itertools.islice(rest, CHUNK)):
            yield from self._read_chunk(chunk, questions, selection, form)

    def _read_chunk(
        self,
        chunk: Sequence[str | Path],
        questions: Sequence[str],
        selection: Selection,
        form: Form | None,
    ) -> Iterator[Reading]:
        planned: list[Reading] = []
        for source in chunk:
            name, path = str(source), find_path(source)
            try:
                plan = self.plan(path, questions, selection, form)
                planned.append(Reading(name, path, plan=plan))
            except StoreError:
                raise
            except RushesError as exc:
                planned.append(Reading(name, path, error=exc))
        work = [(str(one.path), one.plan.nodes) for one in planned if one.plan is not None]
        ran = self.runner.run(work)
        for one in planned:
            yield one if one.plan is None else self._gather(one, one.plan, ran)

    def plan(
        self,
        path: Path,
        questions: Sequence[str],
        selection: Selection = EVERYTHING,
        form: Form | None = None,
    ) -> ReadingPlan:
        """What reading a file takes; nothing is run.

        Raises:
            UsageError: not a video, or no room for a frame.
        """
        asked = pad_questions(questions, form)
        try:
            source = self.find_source(path)
            look = look_at(path, self.settings, self.context, selection, asked, form)
        except MediaError as exc:
            raise UsageError(exc.message, where=exc.where or str(path), hint=exc.hint) from exc
        plan = plan_reading(self.asked, source, look, selection, questions, form)
        self.note_source(source, plan.nodes)
        return plan

    def offer(self, questions: Sequence[str]) -> list[str]:
        """Questions that say that a reader need not know; as they are where it says so anyway."""
        if self.asked.entry.says_absent:
            return list(questions)
        return [offer_unknown(question) for question in questions]

    def find_source(self, path: Path) -> SourceFile:
        """A file with its digest.

        Raises:
            UsageError: it cannot be read.
        """
        try:
            return SourceFile(path, self.store.digest_files([path])[path])
        except OSError as exc:
            hint = "name a video file"
            text = f"cannot read {path.name}: {exc.strerror}"
            raise UsageError(text, where=str(path), hint=hint) from exc

    def note_source(self, source: SourceFile, nodes: Iterable[Node]) -> None:
        """Have it known what is made of a file before it is made, for erasing it."""
        rows = [(node.key, source.sha256, str(source.path)) for node in nodes if node.key]
        self.store.index.sources.add_rows(rows)

    def _gather(self, one: Reading, plan: ReadingPlan, ran: Ran) -> Reading:
        error = ran.find_error(plan.nodes)
        if error is not None:
            return Reading(one.name, one.path, (), plan, 0, error)
        rows = [read_answers(self.runner.open(node)["answers"]) for node in plan.answers]
        count = sum(node.key in ran.finished for node in plan.nodes)
        answers = tuple(row.to_answer() for found in rows for row in found)
        return Reading(one.name, one.path, answers, plan, count)

    def fetch_frames(self, reading: Reading) -> Frames:
        """The frames that answers cite, with their times; sampled again where they are gone.

        Raises:
            RushesError: they cannot be had again.
        """
        assert reading.plan is not None
        sample = reading.plan.sample
        ran = self.runner.run([(str(reading.path), (sample,))])
        if (error := ran.find_error((sample,))) is not None:
            raise error
        return read_reel(self.runner.open(sample))

    def fetch_cited(self, path: Path, seconds: Iterable[float]) -> Frames:
        """Frames of a file that answers cite, out of the store.

        Raises:
            StageFailed: not all of them are there any more.
        """
        wanted = {round(time, 6) for time in seconds}
        index = self.store.index
        results = index.get_many(index.sources.find_keys(self.find_source(path).sha256))
        found: dict[float, NDArray[np.uint8]] = {}
        for result in results.values():
            if result.stage == "sample" and wanted - found.keys():
                reel = read_reel(self.store.read_outputs(result))
                pairs = zip(reel.seconds, reel.pixels, strict=True)
                kept = {round(time, 6): pixels for time, pixels in pairs}
                found |= {t: kept[t] for t in kept.keys() & wanted - found.keys()}
        if len(found) < len(wanted):
            raise StageFailed(
                f"{len(wanted) - len(found)} of {len(wanted)} frames are not kept any more",
                where=str(path),
                hint="ask again with --no-keep",
            )
        return Frames(tuple(found[t] for t in sorted(found)), tuple(sorted(found)), path.name)


@contextmanager
def open_reading(
    folder: Path,
    reader: str = DEFAULT_READER,
    *,
    device: str = "auto",
    project: Project | None = None,
    keep: bool = True,
    observer: Observer | None = None,
    jobs: int = 1,
    command: str = "ask",
    speaks: bool = False,
) -> Iterator[Session]:
    """A reader over the store of a folder; its process ends with the block.

    Args:
        folder: where the store is, or would be.
        project: whose policy holds; None outside of one.
        keep: False keeps nothing: neither frames, nor answers, nor rows of the ledger.
        jobs: requests at once to a server.
        speaks: whether the observer is told the words of answers as they come.

    Raises:
        UsageError: no such reader.
        LicenceRefused: the policy does not list the reader's licence.
        PolicyRefused: nor its server, where it has one; nothing was read of any file.
        LockRefused: the reader's weights are not here.
    """
    server = find_server(reader, project)
    entry = find_reader_entry(reader if server is None else server.like)
    check_reader(entry, server, project)
    if server is not None:
        read_token(server, os.environ)
    sweep_temporary()
    with tempfile.TemporaryDirectory(prefix=f"{TEMPORARY}{os.getpid()}-") as name:
        store = Store(find_store(folder) if keep else Path(name))
        if keep:
            expire_kept(store, project)
        asked = find_asked(entry, server, project, store)
        context = entry.context if server is None else find_context(server)
        runner = NodeRunner(store, asked, observer or SilentObserver(), device, jobs, speaks)
        with runner.record(command, "" if project is None else project.name):
            yield Session(runner, asked, find_settings(asked), context)


def find_path(source: str | Path) -> Path:
    """Where a file is, without ``..``: what the store remembers it by."""
    return Path(os.path.abspath(source))


def require_text(question: str) -> None:
    """Refuse a question that is none.

    Raises:
        UsageError: it is empty, or no text.
    """
    if not question.strip():
        raise UsageError("the question is empty", hint="ask something about the clip")
    try:
        question.encode()
    except UnicodeEncodeError as exc:
        raise UsageError("the question is not text in UTF-8", hint="type it again") from exc


def take_one(readings: Iterator[Reading]) -> Reading:
    """The reading of a single file.

    Raises:
        RushesError: it has an error.
    """
    reading = next(readings, None)
    if reading is None:
        raise StageFailed("nothing was read")
    if reading.error is not None:
        raise reading.error
    return reading
