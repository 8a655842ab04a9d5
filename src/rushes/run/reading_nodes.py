"""Runs the nodes of readings until each has a result or an error, and enters them in the ledger."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rushes.canon import digest_value
from rushes.errors import CorruptObject, Interrupted, RushesError, StageFailed
from rushes.ledger import HitRow, RunEnd
from rushes.plan.nodes import Node
from rushes.plan.order import Step
from rushes.plan.reading import Asked
from rushes.run.execute import LocalExecutor, Observer, Outcome
from rushes.run.record import VERSION_LETTERS, LedgerObserver
from rushes.run.retention import open_ledger
from rushes.store.index import Result
from rushes.store.store import Store
from rushes.types import Key

NO_CHECKPOINTS_SECONDS = 3600.0
"""These stages save no state; the executor asks for an interval."""
MAX_ROUNDS = 20
"""A lost object takes a round to be found and one to be made again."""

Work = Sequence[tuple[str, Sequence[Node]]]
"""Nodes by the name of their file; what a node reads comes before it."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How nodes ended.

    Args:
        results: what is stored of them.
        finished: keys that were computed now.
        broken: why others have no result.
    """

    results: dict[Key, Result]
    finished: set[Key]
    broken: dict[Key, RushesError]

    def find_error(self, nodes: Sequence[Node]) -> RushesError | None:
        """Why one of them has no result; None where all that count have one."""
        wanted = list_missing(nodes, self.results)
        return next((self.broken[n.key] for n in wanted if n.key in self.broken), None)


def list_missing(nodes: Sequence[Node], results: dict[Key, Result]) -> list[Node]:
    """Nodes without a result that are read by others without one, or by none."""
    inputs = {before.key for node in nodes for _, before in node.inputs}
    missing: dict[Node, None] = {}
    for node in reversed(nodes):
        asked_for = node.key not in inputs or any(
            before is node for later in missing for _, before in later.inputs
        )
        if asked_for and node.key not in results:
            missing[node] = None
    return list(missing)[::-1]


@dataclass(slots=True)
class NodeRunner:
    """Workers over one store.

    Args:
        jobs: media workers; requests at once, where a server is asked.
        speaks: whether the observer is told the words of answers as they come.
    """

    store: Store
    asked: Asked
    observer: Observer
    device: str
    jobs: int = 1
    speaks: bool = False
    _executor: LocalExecutor | None = None
    _entries: LedgerObserver | None = None
    _hits: dict[tuple[str, str | None], list[float]] = field(default_factory=dict)
    _ran: int = 0

    @contextmanager
    def record(self, command: str, project: str) -> Iterator[None]:
        """A run of the ledger, for the length of the block."""
        run, started_at = uuid.uuid4().hex[:12], time.time()
        ledger = open_ledger(self.store)
        self.store.sweep_scratch()
        entries = self._entries = LedgerObserver(ledger, run, self.observer)
        environments = self.asked.environments.items()
        entries.versions = {
            (stage, self._model_of(stage)): digest_value(environment)[:VERSION_LETTERS]
            for stage, environment in environments
        }
        entries.begin(project, command, started_at)
        models = {} if self.asked.server is not None else {self.asked.entry.id: self.asked.entry}
        code = 0
        try:
            with LocalExecutor(
                self.store,
                entries,
                self.device,
                self.jobs,
                NO_CHECKPOINTS_SECONDS,
                models,
                speaks=self.speaks,
            ) as self._executor:
                yield
        except BaseException as exc:
            code = exc.exit_code if isinstance(exc, RushesError) else Interrupted.exit_code
            raise
        finally:
            rows = [
                HitRow(run, *kind, "", len(took), sum(took)) for kind, took in self._hits.items()
            ]
            ledger.add_hits(rows)
            hits = sum(row.nodes for row in rows)
            ledger.end_run(RunEnd(run, time.time() - started_at, hits, self._ran, 0.0, code))
            ledger.close()
            self.store.close()

    def _model_of(self, stage: str) -> str | None:
        return self.asked.entry.instance if stage == "read" else None

    def run(self, work: Work) -> Ran:
        """Compute what is missing.

        Raises:
            StoreError: the store cannot be used.
            Interrupted: the user stopped it.
        """
        assert self._executor is not None
        outcome = Outcome()
        keys = [node.key for _, nodes in work for node in nodes if node.key is not None]
        for _ in range(MAX_ROUNDS):
            results = self.store.index.get_many(keys)
            broken = {key: error for key, (_, error) in outcome.broken.items()}
            steps: dict[Key | None, Step] = {}
            for name, nodes in work:
                missing = list_missing(nodes, results)
                if not any(node.key in broken for node in missing):
                    steps |= {n.key: Step(n, name, 0, ()) for n in missing if n.key not in steps}
            if not steps:
                finished = {key for key, (_, event) in outcome.finished.items() if event.ran}
                self._count(results, finished)
                return Ran(results, finished, broken)
            self._executor.observer.see_steps(list(steps.values()))
            self._executor.run(list(steps.values()), outcome)
        raise StageFailed(
            "stored results are lost faster than they are made",
            where=str(self.store.folder),
            hint="look at the disk, then run: rushes cache verify",
        )

    def _count(self, results: dict[Key, Result], finished: set[Key]) -> None:
        self._ran += len(finished)
        for key, result in results.items():
            if key not in finished:
                kind = result.stage, self._model_of(result.stage)
                self._hits.setdefault(kind, []).append(result.seconds)

    def open(self, node: Node) -> dict[str, Path]:
        """A node's files, verified; made again where one was changed on the disk.

        Raises:
            CorruptObject: that did not help.
        """
        assert node.key is not None
        for last in (False, True):
            results = self.store.index.get_many([node.key])
            try:
                if node.key not in results:
                    raise CorruptObject(f"the result {node.key[:12]} is gone")
                return self.store.read_outputs(results[node.key])
            except CorruptObject:
                if last:
                    raise
                self.run([("", (*(before for _, before in node.inputs), node))])
        raise AssertionError("the second try returns or raises")
