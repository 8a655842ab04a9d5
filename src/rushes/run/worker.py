"""A worker process: takes tasks on standard input, one a line, and answers with events.

One for a device keeps its models loaded from task to task; those of the media lane never import
torch. A worker dies with its parent.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

import msgspec

from rushes.errors import CorruptObject, OutOfMemory, RushesError, StageFailed, StoreFull
from rushes.models.base import LoadedModel, find_family
from rushes.readers.base import LoadedReader, find_reader
from rushes.run.device import (
    hold_device,
    limit_memory,
    measure_peak,
    prepare_torch,
    reset_peak,
    share_cores,
)
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
    decode_task,
    encode_message,
)
from rushes.stages.base import Job, Made, Stage
from rushes.stages.checkpoint import FileCheckpoint
from rushes.stages.registry import STAGES
from rushes.store.files import digest_file
from rushes.store.index import Result
from rushes.store.store import Store

PR_SET_PDEATHSIG = 1
MEDIA_NICENESS = 5
"""Exports and checks give way to the model, whose threads wait for each other."""
STEP_SECONDS = 0.1
"""Progress is told at most this often."""


class Worker:
    """Runs tasks against one store and, on the device lane, one device."""

    def __init__(self, store: Store, device: str | None, out: BinaryIO) -> None:
        self.store = store
        self.device = device
        self.out = out
        self.models: dict[tuple[object, ...], LoadedModel] = {}
        self.readers: dict[tuple[str, str], LoadedReader] = {}

    def tell(self, event: Event) -> None:
        """Send an event to the parent."""
        self.out.write(encode_message(event) + b"\n")
        self.out.flush()

    def handle(self, task: Task) -> None:
        """Run a task and tell how it ended; nothing it raises gets further than here."""
        try:
            self.tell(self.run(task))
        except RushesError as exc:
            self._tell_broken(task, exc)
        except Exception as exc:
            traceback.print_exc()
            self._tell_broken(task, map_foreign(exc, task.stage))

    def _tell_broken(self, task: Task, exc: RushesError) -> None:
        kind = type(exc).__name__
        planned = task.placement.label if task.model else "", task.predicted_bytes
        self.tell(Broken(task.key, kind, exc.message, exc.where, exc.hint, *planned))

    def run(self, task: Task) -> Finished:
        """Compute a key unless another process has, or does so now."""
        with self.store.lock(task.key, lambda: self.tell(Waiting(task.key))):
            known = self.store.index.get(task.key)
            if known is not None:
                return self._finished(task, known, ran=False, started_at=time.time())
            return self._compute(task, STAGES[task.stage])

    def _compute(self, task: Task, stage: Stage) -> Finished:
        inputs = self._read_inputs(task)
        if task.model is None:
            return self._run_stage(task, stage, inputs)
        with hold_device(self.device or ""), share_cores(self.device or "", stage):
            limit_memory(self.device or "", task.limit_bytes)
            model = self._open_model(task.model) if stage.loads_model else None
            reader = self._open_reader(task.model) if stage.loads_reader else None
            for opened in self.models.values():
                opened.place(task.placement)
            return self._run_stage(task, stage, inputs, model, reader)

    def _run_stage(
        self,
        task: Task,
        stage: Stage,
        inputs: dict[str, dict[str, Path]],
        model: LoadedModel | None = None,
        reader: LoadedReader | None = None,
    ) -> Finished:
        before = self._sum_loads(model, reader)
        reset_peak(self.device)
        started_at, start = time.time(), time.perf_counter()
        with self.store.scratch() as folder:
            kept = self.store.checkpoint_path(task.key)
            checkpoint = FileCheckpoint(kept, task.checkpoint_seconds, folder)
            made = stage.run(
                Job(
                    params=msgspec.json.decode(task.params, type=stage.params),
                    inputs=inputs,
                    folder=folder,
                    report=self._reporter(task),
                    model=model,
                    checkpoint=checkpoint,
                    reader=reader,
                    key=task.key,
                    remote=task.remote,
                    allowance=task.allowance,
                    speak=self._speaker(task) if task.speaks else None,
                    tell_paid=lambda usd: self.tell(Paid(task.key, f"{usd:f}")),
                )
            )
            seconds = time.perf_counter() - start
            result = self._put(task, made, seconds)
        checkpoint.discard()
        after = self._sum_loads(model, reader)
        loads = {part: spent for part, spent in after.items() if part not in before}
        return self._finished(
            task,
            result,
            ran=True,
            started_at=started_at,
            resumed=checkpoint.resumed_step,
            loads=loads,
        )

    @staticmethod
    def _sum_loads(model: LoadedModel | None, reader: LoadedReader | None) -> dict[str, float]:
        """Seconds by part of what a stage loads from."""
        opened = model if model is not None else reader
        return {} if opened is None else dict(opened.loads)

    def _finished(
        self,
        task: Task,
        result: Result,
        *,
        ran: bool,
        started_at: float,
        resumed: int | None = None,
        loads: Mapping[str, float] = MappingProxyType({}),
    ) -> Finished:
        passed = result.facts.get("passed")
        return Finished(
            key=result.key,
            ran=ran,
            started_at=started_at,
            seconds=result.seconds,
            peak_bytes=result.peak_bytes,
            resumed_step=resumed,
            loads={part: round(seconds, 4) for part, seconds in loads.items()},
            passed=passed if isinstance(passed, bool) else None,
            device=self.device or "",
            placement=task.placement.label if task.model else "",
            predicted_bytes=task.predicted_bytes,
        )

    def _put(self, task: Task, made: Made, seconds: float) -> Result:
        peak = measure_peak(self.device)
        files = [(file.sha256, file.path) for file in task.files.values()]
        sources = self.store.index.sources.list_rows(task.key, files, task.inputs.values())
        return self.store.put_result(
            task.key, task.stage, made.files, made.facts, round(seconds, 4), peak, sources
        )

    def _read_inputs(self, task: Task) -> dict[str, dict[str, Path]]:
        """Verified files of every input.

        Raises:
            CorruptObject: after every input was looked at, so that all bad ones are known at once.
        """
        results = self.store.index.get_many(task.inputs.values())
        inputs: dict[str, dict[str, Path]] = {}
        fault: CorruptObject | None = None
        for name, key in task.inputs.items():
            try:
                if key not in results:
                    raise CorruptObject(f"the result {key[:12]} is gone")
                inputs[name] = self.store.read_outputs(results[key])
            except CorruptObject as exc:
                fault = exc
        if fault is not None:
            raise fault
        for name, file in task.files.items():
            inputs[name] = {"file": check_file(file)}
        return inputs

    def _open_model(self, wanted: TaskModel) -> LoadedModel:
        entry = wanted.entry
        assert entry is not None
        place = entry.instance, wanted.folder, tuple(sorted(entry.numerics.items()))
        if place not in self.models:
            assert self.device is not None
            family = find_family(entry.family)
            self.models[place] = family.open(Path(wanted.folder), entry, self.device)
        return self.models[place]

    def _open_reader(self, wanted: TaskModel) -> LoadedReader:
        entry = wanted.reader
        assert entry is not None
        place = entry.id, wanted.folder
        if place not in self.readers:
            assert self.device is not None
            family = find_reader(entry.family)
            self.readers[place] = family.open(Path(wanted.folder), self.device, entry.dtype)
        return self.readers[place]

    def _speaker(self, task: Task) -> Callable[[str], None]:
        return lambda words: self.tell(Said(task.key, words))

    def _reporter(self, task: Task) -> _Reporter:
        return _Reporter(self, task)


def check_file(file: TaskFile) -> Path:
    """A file that a shot reads, if it is still what it was when the plan was made.

    Raises:
        StageFailed: it is gone or changed.
    """
    path = Path(file.path)
    try:
        same = digest_file(path) == file.sha256
    except OSError as exc:
        raise StageFailed(f"{path.name} cannot be read: {exc.strerror}", where=file.path) from exc
    if not same:
        raise StageFailed(
            f"{path.name} changed while the build ran",
            where=file.path,
            hint="run the same command again",
        )
    return path


class _Reporter:
    """Tells progress, but not more often than a person can see."""

    def __init__(self, worker: Worker, task: Task) -> None:
        self.worker, self.key, self.told_at = worker, task.key, 0.0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self.told_at >= STEP_SECONDS:
            self.told_at = now
            self.worker.tell(Stepped(self.key, done, total))


def map_foreign(exc: Exception, stage: str) -> RushesError:
    """An exception of a library as one of ours."""
    text = str(exc).strip() or type(exc).__name__
    full = isinstance(exc, OSError) and exc.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or "No space left on device" in text:
        return StoreFull(
            f"no space left on the disk while {stage} ran",
            hint="free some space (rushes cache gc), then run the same command again",
        )
    if isinstance(exc, MemoryError) or type(exc).__name__ == "OutOfMemoryError":
        return OutOfMemory(
            f"{stage} ran out of memory",
            hint="see what it needs: rushes plan --explain; or make the shot smaller or shorter",
        )
    return StageFailed(f"{stage} failed: {type(exc).__name__}: {text.splitlines()[0][:300]}")


def die_with_parent(parent: int) -> None:
    """Be killed when the parent goes away (Linux); elsewhere its closed pipe ends the worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def main(parent: str, store: str, device: str) -> None:
    """Entry of the process; ``device`` is empty on the media lane."""
    die_with_parent(int(parent))
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    device = prepare_torch(device) if device else ""
    if not device:
        os.nice(MEDIA_NICENESS)
    worker = Worker(Store(Path(store)), device or None, out)
    for line in sys.stdin.buffer:
        worker.handle(decode_task(line))


if __name__ == "__main__":
    main(*sys.argv[1:])
