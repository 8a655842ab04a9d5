"""The local executor: steps of a plan given to worker processes as their inputs become ready."""

from __future__ import annotations

import heapq
import queue
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

import msgspec

from rushes.catalogue.allowance import Allowance
from rushes.catalogue.model import Model
from rushes.catalogue.reader import Entry
from rushes.catalogue.remote import Remote
from rushes.errors import Interrupted, OutOfMemory, RushesError, StoreError, WorkerDied, error_types
from rushes.hub import find_checkpoint
from rushes.plan.memory.choose import Candidate
from rushes.plan.memory.fit import MemoryPlan
from rushes.plan.nodes import Node
from rushes.plan.order import Step
from rushes.run.messages import (
    Broken,
    Event,
    Finished,
    Paid,
    Said,
    Stepped,
    Task,
    TaskFile,
    TaskModel,
    Waiting,
)
from rushes.run.process import Inbox, WorkerProcess
from rushes.stages.base import Lane
from rushes.stages.registry import STAGES
from rushes.store.store import Store
from rushes.types import Key

REMOTE_WORKERS = 4
"""Clips that others make at once."""
MAX_DEATHS = 2
"""A task whose worker dies is given to a fresh one once."""


class Observer(Protocol):
    """Watches a build: the terminal's progress bars, or nobody."""

    def see_steps(self, steps: list[Step]) -> None:
        """A round of work begins."""

    def see_start(self, step: Step) -> None:
        """A worker has the step."""

    def see_event(self, step: Step, event: Event) -> None:
        """A step made progress or ended."""


class SilentObserver:
    """Watches nothing, for tests and for library use."""

    def see_steps(self, steps: list[Step]) -> None:
        """Nothing."""

    def see_start(self, step: Step) -> None:
        """Nothing."""

    def see_event(self, step: Step, event: Event) -> None:
        """Nothing."""


@dataclass(slots=True)
class Outcome:
    """How the steps of one or more rounds ended, by key."""

    finished: dict[Key, tuple[Step, Finished]] = field(default_factory=dict)
    broken: dict[Key, tuple[Step, RushesError]] = field(default_factory=dict)
    lost_inputs: bool = False


class LocalExecutor:
    """Workers of this machine: one for the device, some for media; started when first needed.

    Args:
        device: where models run: ``cpu``, ``cuda:N``, or ``auto``.
        media_workers: how many exports and checks may run at once.
        entries: by instance, what steps may load.
        remotes: by name, who may be asked; ``allowance``: what may be paid for that.
        speaks: whether the observer is told the words of answers as they come.

    Attributes:
        memory: how the nodes of the next steps lie on the device.
    """

    def __init__(
        self,
        store: Store,
        observer: Observer,
        device: str,
        media_workers: int,
        interval: float,
        entries: Mapping[str, Entry],
        remotes: Mapping[str, Remote] = MappingProxyType({}),
        allowance: Allowance | None = None,
        speaks: bool = False,
    ) -> None:
        self.remotes = remotes
        self.allowance = allowance
        self.store = store
        self.entries = entries
        self.speaks = speaks
        self._found: dict[str, TaskModel] = {}
        self.observer = observer
        self.device = device
        self.checkpoint_seconds = interval
        self._limits: dict[Lane, int] = {
            "device": 1, "media": media_workers, "remote": REMOTE_WORKERS,
        }  # fmt: skip
        self.memory: MemoryPlan | None = None
        self._smaller: dict[Key, Candidate] = {}
        self._workers: list[WorkerProcess] = []
        self._inbox: Inbox = queue.Queue()

    def __enter__(self) -> LocalExecutor:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.stop()

    def prepare(self, steps: list[Step]) -> None:
        """Start the workers that the steps will need, so that they get ready meanwhile."""
        for lane in dict.fromkeys(STAGES[step.node.stage].lane for step in steps):
            self._ensure_worker(lane)

    def run(self, steps: list[Step], outcome: Outcome) -> None:
        """Run the steps; what depends on a broken one is left out.

        Raises:
            StoreError: the store cannot be used; nothing more would succeed.
            Interrupted: the user stopped it.
        """
        queue_ = _Queue(steps)
        deaths: dict[Key, int] = {}
        self.prepare(steps)
        try:
            while self._assign(queue_) or self._busy():
                worker, event = self._inbox.get()
                if worker not in self._workers:
                    continue
                self._take_event(worker, event, queue_, outcome, deaths)
        except KeyboardInterrupt as exc:
            raise Interrupted(
                "interrupted", hint="run the same command again; what is stored is kept"
            ) from exc

    def _busy(self) -> bool:
        return any(not worker.idle for worker in self._workers)

    def _ensure_worker(self, lane: Lane) -> WorkerProcess | None:
        """An idle worker of the lane, started if the lane may have another."""
        mine = [worker for worker in self._workers if worker.lane == lane]
        for worker in mine:
            if worker.idle:
                return worker
        if len(mine) >= self._limits[lane]:
            return None
        device = self.device if lane == "device" else ""
        worker = WorkerProcess(lane, self.store.folder, device, self._inbox)
        self._workers.append(worker)
        return worker

    def _assign(self, queue_: _Queue) -> bool:
        """Give ready steps to idle workers; whether any was given."""
        given = False
        for lane in queue_.lanes():
            while queue_.has_ready(lane) and (worker := self._ensure_worker(lane)) is not None:
                step = queue_.take(lane)
                worker.send(self._task(step))
                self.observer.see_start(step)
                given = True
        return given

    def _task(self, step: Step) -> Task:
        node = step.node
        assert node.key is not None
        remote = self.remotes.get(node.model or "")
        inputs = {name: before.key for name, before in node.inputs if before.key is not None}
        return Task(
            key=node.key,
            stage=node.stage,
            params=msgspec.Raw(msgspec.json.encode(node.params)),
            inputs=inputs,
            model=self._find_model(node.model) if node.model and not remote else None,
            remote=remote,
            allowance=None if remote is None else self.allowance,
            checkpoint_seconds=self.checkpoint_seconds,
            files={name: TaskFile(str(file.path), file.sha256) for name, file in node.files},
            speaks=self.speaks,
            **self._place(node),
        )

    def _place(self, node: Node) -> dict[str, Any]:
        """What a task is told of memory: as it was chosen, or smaller at a second try."""
        if self.memory is None:
            return {}
        target, choice = self.memory.target, self.memory.choices.get(node)
        on_card = target.device.kind == "cuda"
        limit = max(target.limit_bytes - target.device.overhead_bytes, 0) if on_card else None
        if choice is None:  # nothing is known of it, and the limit holds all the same
            return {"limit_bytes": limit}
        assert node.key is not None
        taken = self._smaller.get(node.key, choice.taken)
        return {
            "placement": taken.placement,
            "limit_bytes": limit,
            "predicted_bytes": taken.prediction.allocated if on_card else taken.prediction.peak,
        }

    def _find_smaller(self, step: Step) -> Candidate | None:
        """The placement for a second try after memory ran out; None where there is none, or that
        was the second."""
        choice = None if self.memory is None else self.memory.choices.get(step.node)
        if choice is None or step.node.key in self._smaller:
            return None
        return choice.smaller

    def _find_model(self, model_id: str) -> TaskModel:
        if model_id not in self._found:
            entry = self.entries[model_id]
            folder = str(find_checkpoint(entry))
            self._found[model_id] = (
                TaskModel(folder, entry=entry)
                if isinstance(entry, Model)
                else TaskModel(folder, reader=entry)
            )
        return self._found[model_id]

    def _take_event(
        self,
        worker: WorkerProcess,
        event: Event | None,
        queue_: _Queue,
        outcome: Outcome,
        deaths: dict[Key, int],
    ) -> None:
        if event is None:
            event = self._bury(worker, queue_, deaths)
            if event is None:
                return
        step = queue_.step(event.key)
        if isinstance(event, Stepped | Waiting | Said | Paid):
            self.observer.see_event(step, event)
            return
        worker.task = None
        if isinstance(event, Broken) and event.error_type == OutOfMemory.__name__:
            smaller = self._find_smaller(step)
            if smaller is not None:
                self._smaller[event.key] = smaller
                told = msgspec.structs.replace(event, retry=smaller.placement.label)
                self.observer.see_event(step, told)
                self._workers.remove(worker)  # what it still holds would be in the way
                worker.stop()
                queue_.put_back(event.key)
                return
        self.observer.see_event(step, event)
        if isinstance(event, Finished):
            outcome.finished[event.key] = (step, event)
            queue_.finish(event.key)
        elif event.error_type == "CorruptObject":
            outcome.lost_inputs = True
        else:
            error = _rebuild_error(event)
            if isinstance(error, StoreError):
                raise error
            outcome.broken[event.key] = (step, error)

    def _bury(self, worker: WorkerProcess, queue_: _Queue, deaths: dict[Key, int]) -> Broken | None:
        """A worker is gone: its task goes to another one, or is broken."""
        self._workers.remove(worker)
        task = worker.task
        reason = worker.describe_death()
        worker.stop()
        if task is None:
            return None
        worker.task = None
        deaths[task.key] = deaths.get(task.key, 0) + 1
        if deaths[task.key] < MAX_DEATHS:
            queue_.put_back(task.key)
            return None
        message = f"the process that ran {task.stage} died twice ({reason})"
        hint = "out of memory? make the shot smaller, or free some memory"
        return Broken(task.key, WorkerDied.__name__, message, None, hint)


def _rebuild_error(event: Broken) -> RushesError:
    kind = error_types().get(event.error_type, RushesError)
    return kind(event.message, where=event.where, hint=event.hint)


class _Queue:
    """Steps by lane, ready when their inputs are."""

    def __init__(self, steps: list[Step]) -> None:
        self._steps = {step.node.key: (number, step) for number, step in enumerate(steps)}
        self._open: dict[Key, int] = {}
        self._readers: dict[Key, list[Key]] = {}
        self._ready: dict[Lane, list[tuple[int, Key]]] = {}
        for key, (_, step) in self._steps.items():
            assert key is not None
            before = {n.key for _, n in step.node.inputs if n.key in self._steps}
            self._open[key] = len(before)
            for other in before:
                assert other is not None
                self._readers.setdefault(other, []).append(key)
            self._ready.setdefault(STAGES[step.node.stage].lane, [])
        for key, count in self._open.items():
            if not count:
                self.put_back(key)

    def lanes(self) -> list[Lane]:
        return list(self._ready)

    def has_ready(self, lane: Lane) -> bool:
        return bool(self._ready[lane])

    def take(self, lane: Lane) -> Step:
        return self.step(heapq.heappop(self._ready[lane])[1])

    def step(self, key: Key) -> Step:
        return self._steps[key][1]

    def put_back(self, key: Key) -> None:
        number, step = self._steps[key]
        heapq.heappush(self._ready[STAGES[step.node.stage].lane], (number, key))

    def finish(self, key: Key) -> None:
        for reader in self._readers.get(key, ()):
            self._open[reader] -= 1
            if not self._open[reader]:
                self.put_back(reader)
