"""Build a project: plan, run what is missing, plan again from the verdicts, place the clips."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from rushes.errors import CorruptObject, LockRefused, StageFailed
from rushes.ledger import Ledger
from rushes.lock import (
    LOCK_FILE,
    Lock,
    check_toolchain,
    check_weights,
    complete_lock,
    missing_entries,
    needed_checkpoints,
    needed_instances,
    needed_toolchains,
    pin_locked,
    read_lock,
    write_lock,
)
from rushes.plan.build import build_plan
from rushes.plan.judging import list_toolchains
from rushes.plan.memory.fit import MemoryPlan, Target
from rushes.plan.memory.refuse import refuse_misfit
from rushes.plan.nodes import Node, Plan
from rushes.plan.order import order_work
from rushes.run.execute import LocalExecutor, Observer, Outcome
from rushes.run.gather import clip_name, find_error, gather_films, gather_shots
from rushes.run.machine import find_runtime, find_target
from rushes.run.memory import fit_plan, propose_numerics, with_numerics
from rushes.run.place import place_clips
from rushes.run.record import LedgerObserver
from rushes.run.result import RunResult
from rushes.spec.project import Project
from rushes.store.index import Result
from rushes.store.store import Store
from rushes.types import Digest, Key

MAX_EMPTY_ROUNDS = 20
"""Rounds in a row that finish nothing; lost objects take one round a stage to be found."""


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What the command line asks for.

    Args:
        seed, attempts: override every shot's.
        locked: refuse to add anything to rushes.lock.
        place: copy finished clips to ``out/``.
        device: what models run on: ``auto``, ``cpu`` or ``cuda:N``; a plan that is only shown may
            name a described card.
        vram: the most memory of a card that a stage may take, in bytes; else the project's.
    """

    targets: tuple[str, ...] = ()
    seed: int | None = None
    attempts: int | None = None
    locked: bool = False
    device: str = "auto"
    media_workers: int = 1
    command: str = "make"
    place: bool = True
    vram: int | None = None


@dataclass(frozen=True, slots=True)
class Build:
    """A finished build with what reports are made from."""

    result: RunResult
    plan: Plan
    lock: Lock


def override_shots(project: Project, options: BuildOptions) -> Project:
    """The project with the command line's seed and attempts."""
    said = {"seed": options.seed, "attempts": options.attempts}
    changes = {name: value for name, value in said.items() if value is not None}
    if not changes:
        return project
    shots = {name: replace(shot, **changes) for name, shot in project.shots.items()}  # type: ignore[arg-type]
    return replace(project, shots=shots)


def prepare_lock(
    project: Project, store: Store, *, locked: bool, target: Target | None = None
) -> Lock:
    """The project's lock, completed and held against the weights on the disk.

    Args:
        target: what numerics are proposed for where they are not locked; None for as stored.

    Raises:
        LockRefused: an entry is missing under ``locked``, or the weights are others.
    """
    lock = read_lock(project.folder)
    missing = missing_entries(project, lock)
    if missing and locked:
        raise LockRefused(
            f"{LOCK_FILE} lacks {', '.join(missing[:3])}", where=LOCK_FILE, hint="run: rushes lock"
        )
    check_weights(needed_checkpoints(project), lock, store)
    names = [name for name in needed_toolchains(project) if name in lock.toolchains]
    check_toolchain(names, lock, libraries=False)
    if missing:
        numerics = {} if target is None else propose_numerics(project, target, lock)
        lock, _ = complete_lock(project, lock, store, numerics=numerics)
        write_lock(project.folder, lock)
    return lock


def find_facts(store: Store, keys: Iterable[Key]) -> Mapping[Key, Mapping[str, object]]:
    """Facts of stored results, for :func:`build_plan`."""
    return {key: result.facts for key, result in store.index.get_many(keys).items()}


def build_project(
    project: Project, store: Store, ledger: Ledger, options: BuildOptions, observer: Observer
) -> Build:
    """Build the targets and place their clips in ``out/``.

    Raises:
        Refused: the lock, a licence or memory forbids it; nothing was run.
        StoreError: the store cannot be used.
        Interrupted: the user stopped it.
    """
    started_at, start = time.time(), time.perf_counter()
    run_id = uuid.uuid4().hex[:12]
    store.sweep_scratch()
    project = override_shots(project, options)
    card = None if options.device == "auto" else options.device
    budget = find_target(project, card, options.vram)
    lock = prepare_lock(project, store, locked=options.locked, target=budget)
    outcome = Outcome()
    entries = LedgerObserver(ledger, run_id, observer)
    entries.begin(project.name, options.command, started_at)
    targets = budget, find_runtime(options.device, project, options.vram)
    plan, results = _run_rounds(project, lock, store, options, entries, outcome, targets)
    result = RunResult(
        run=run_id,
        seconds=round(time.perf_counter() - start, 4),
        usd=0.0,
        shots=gather_shots(plan, results, outcome),
        films=gather_films(plan, results, outcome),
    )
    entries.end(result, plan, results)
    return Build(result, plan, lock)


def _run_rounds(
    project: Project,
    lock: Lock,
    store: Store,
    options: BuildOptions,
    observer: LedgerObserver,
    outcome: Outcome,
    targets: tuple[Target, Target],
) -> tuple[Plan, Mapping[Key, Result]]:
    """Plan and run until nothing is left to run and every clip is in its place.

    Args:
        targets: what the plan has to fit by what was stated, and what it runs on.
    """
    empty = 0
    interval = project.checkpoint_seconds
    entries = {
        name: with_numerics(pin_locked(entry, lock.models.get(entry.id)), lock)
        for name, entry in needed_instances(project).items()
    }
    with LocalExecutor(
        store, observer, options.device, options.media_workers, interval, entries
    ) as executor:
        while True:
            plan = build_plan(project, lock, lambda keys: find_facts(store, keys), options.targets)
            results = store.index.get_many(plan.keys())
            steps = [
                step
                for step in order_work(plan, results.__contains__)
                if find_error(step.node, outcome, results) is None
            ]
            if not steps:
                try:
                    if options.place:
                        place_clips(store, project.folder, _clips(plan, results))
                    return plan, results
                except CorruptObject as exc:
                    _forget(store, results, exc.digest)
                    continue
            executor.memory = _fit(project, plan, lock, targets)
            executor.prepare(steps)
            if not outcome.finished:
                check_toolchain(list_toolchains(step.node for step in steps), lock)
            before = len(outcome.finished) + len(outcome.broken)
            observer.see_plan(plan)
            observer.see_steps(steps)
            executor.run(steps, outcome)
            empty = 0 if len(outcome.finished) + len(outcome.broken) > before else empty + 1
            if empty > MAX_EMPTY_ROUNDS:
                raise StageFailed(
                    "stored results are lost faster than they are made",
                    where=str(store.folder),
                    hint="look at the disk, then run: rushes cache verify",
                )


def _fit(project: Project, plan: Plan, lock: Lock, targets: tuple[Target, Target]) -> MemoryPlan:
    """Placements on what the build runs on.

    Raises:
        MemoryRefused: the plan does not fit what was stated, or what it runs on.
    """
    stated, runtime = targets
    different = [stated, runtime] if stated != runtime else [runtime]
    memories = [fit_plan(plan, lock, target) for target in different]
    for memory in memories:
        refuse_misfit(project, memory)
    return memories[-1]


def _forget(store: Store, results: Mapping[Key, Result], digest: str) -> None:
    """Drop every result that names a lost object."""
    gone = [
        key
        for key, result in results.items()
        if any(output.digest == digest for output in result.outputs.values())
    ]
    store.index.drop(gone)


def _clips(plan: Plan, results: Mapping[Key, Result]) -> dict[str, Digest]:
    """File names in ``out/`` and the digests they should have, for what has a clip."""
    clips: dict[str, Digest] = {}
    for name, node in _clip_nodes(plan):
        if node.key is not None and node.key in results:
            output = results[node.key].outputs["clip"]
            clips[clip_name(name, node)] = output.digest
    return clips


def _clip_nodes(plan: Plan) -> list[tuple[str, Node]]:
    shots = [(shot.shot.name, shot.kept.nodes["export"]) for shot in plan.shots if shot.settled]
    films = [(film.film.name, film.nodes["assemble"]) for film in plan.films if film.settled]
    return shots + films


def open_ledger(store: Store) -> Ledger:
    """The ledger that lies beside a store's index."""
    return Ledger(Path(store.folder) / "ledger.sqlite")
