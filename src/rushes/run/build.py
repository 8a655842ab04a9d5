"""Build a project: plan, run what is missing, plan again from the verdicts, place the clips."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import msgspec

from rushes.accepted import use_accepted
from rushes.catalogue.allowance import Allowance
from rushes.errors import CorruptObject, LockRefused, PolicyRefused, StageFailed
from rushes.ledger import Ledger, describe_user
from rushes.lock import (
    LOCK_FILE,
    Lock,
    check_toolchain,
    check_weights,
    complete_lock,
    missing_entries,
    pin_locked,
    read_lock,
    write_lock,
)
from rushes.needs import (
    needed_checkpoints,
    needed_instances,
    needed_toolchains,
)
from rushes.paid.consent import check_consent
from rushes.payments import show_usd
from rushes.plan.build import build_plan
from rushes.plan.forecast import price_node
from rushes.plan.judging import list_toolchains
from rushes.plan.memory.fit import MemoryPlan, Target
from rushes.plan.memory.refuse import refuse_misfit
from rushes.plan.nodes import Node, Plan
from rushes.plan.order import Step, order_work
from rushes.run.execute import LocalExecutor, Observer, Outcome
from rushes.run.gather import clip_name, find_error, gather_films, gather_shots
from rushes.run.machine import find_runtime, find_target
from rushes.run.memory import fit_plan, propose_numerics, with_numerics
from rushes.run.place import place_clips
from rushes.run.record import LedgerObserver
from rushes.run.result import RunResult
from rushes.run.retention import expire_kept
from rushes.spec.project import Project, Shot
from rushes.spec.remotes import check_remote, make_allowance
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
        locked: refuse to add anything to rushes.lock, and make the takes that it says were
            accepted.
        place: copy finished clips to ``out/``.
        device: what models run on: ``auto``, ``cpu`` or ``cuda:N``; a plan that is only shown may
            name a described card.
        vram: the most memory of a card that a stage may take, in bytes; else the project's.
        pay: the most USD that this run may pay, where the policy asks; never more than its budget.
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
    pay: Decimal | None = None


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

    def change(shot: Shot) -> Shot:
        fallback = None if shot.fallback is None else change(shot.fallback)
        return replace(shot, fallback=fallback, **changes)  # type: ignore[arg-type]

    return replace(project, shots={name: change(shot) for name, shot in project.shots.items()})


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


def refuse_missing_golden(project: Project) -> None:
    """Refuse a shot whose golden take was never accepted.

    Raises:
        LockRefused: names the file.
    """
    for shot in project.shots.values():
        if shot.golden is not None and shot.golden.file is None:
            raise LockRefused(
                f"the golden take of {shot.name!r}, {shot.golden.said}, is not there",
                where=f"{project.source.name}:shots.{shot.name}.golden",
                hint=f"run: rushes make {shot.name} && rushes lock --accept {shot.name}",
            )


def refuse_remotes(project: Project, allowance: Allowance) -> None:
    """Refuse shots that others would make, where the policy does not let that be paid or sent.

    Raises:
        PolicyRefused: names the key of the policy; nothing was sent.
    """
    for shot in project.shots.values():
        if shot.remote is not None:
            check_remote(project, shot.remote)
            frames = ("frames",) if shot.conditions.pictures else ()
            check_consent(shot.remote, allowance, ("prompt", *frames))


def limit_allowance(allowance: Allowance, options: BuildOptions) -> Allowance:
    """What the policy allows, and no more than the command line said."""
    if options.pay is None:
        return allowance
    least = min(Decimal(allowance.per_run), options.pay)
    return msgspec.structs.replace(allowance, per_run=f"{least:f}")


def refuse_unasked(
    steps: list[Step], plan: Plan, allowance: Allowance, options: BuildOptions, outcome: Outcome
) -> bool:
    """Whether there were steps that cost money, where the policy asks and nobody was asked; these
    are refused, and what does not depend on them goes on."""
    if allowance.paid != "ask" or options.pay is not None:
        return False
    found = False
    for step in steps:
        usd = price_node(plan.project, step.node)
        if usd and step.node.key is not None:
            found = True
            error = PolicyRefused(
                f"{step.node.model} would be paid {show_usd(usd)} USD, and you were not asked",
                where=f"{plan.project.source.name}:policy.paid",
                hint="rushes make --pay USD says how much this run may pay",
            )
            outcome.broken[step.node.key] = (step, error)
    return found


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
    expire_kept(store, project)
    project = override_shots(project, options)
    card = None if options.device == "auto" else options.device
    budget = find_target(project, card, options.vram)
    lock = prepare_lock(project, store, locked=options.locked, target=budget)
    if options.locked and options.seed is None:
        if options.place:
            refuse_missing_golden(project)
        project = use_accepted(project, lock.accepted)
    refuse_remotes(project, make_allowance(project, run_id, describe_user()))
    outcome = Outcome()
    entries = LedgerObserver(ledger, run_id, observer)
    entries.begin(project.name, options.command, started_at)
    targets = budget, find_runtime(options.device, project, options.vram)
    plan, results = _run_rounds(project, lock, store, options, entries, outcome, targets)
    result = RunResult(
        run=run_id,
        seconds=round(time.perf_counter() - start, 4),
        usd=float(entries.usd),
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
    allowance = limit_allowance(make_allowance(project, observer.run, describe_user()), options)
    with LocalExecutor(
        store,
        observer,
        options.device,
        options.media_workers,
        interval,
        entries,
        project.remotes,
        allowance,
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
            refused = refuse_unasked(steps, plan, allowance, options, outcome)
            if refused:
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
