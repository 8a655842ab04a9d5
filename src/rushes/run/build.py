"""Build a project: plan, run what is missing, plan again from the verdicts, place the clips."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

import rushes
from rushes.errors import CorruptObject, LockRefused, RushesError, StageFailed
from rushes.ledger import Ledger, NodeRow, RunRow, describe_machine, describe_user
from rushes.lock import (
    LOCK_FILE,
    Lock,
    check_toolchain,
    check_weights,
    complete_lock,
    missing_entries,
    read_lock,
    write_lock,
)
from rushes.plan.build import build_plan
from rushes.plan.nodes import FilmPlan, Node, Plan, ShotPlan
from rushes.plan.order import Step, order_work
from rushes.run.execute import LocalExecutor, Observer, Outcome
from rushes.run.place import OUT_FOLDER, place_clips
from rushes.run.result import ClipResult, ErrorInfo, RunResult, StageResult, Status
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
    """

    targets: tuple[str, ...] = ()
    seed: int | None = None
    attempts: int | None = None
    locked: bool = False
    device: str = "auto"
    media_workers: int = 1
    command: str = "make"
    place: bool = True


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


def prepare_lock(project: Project, store: Store, *, locked: bool) -> Lock:
    """The project's lock, completed and held against the weights on the disk.

    Raises:
        LockRefused: an entry is missing under ``locked``, or the weights are others.
    """
    lock = read_lock(project.folder)
    missing = missing_entries(project, lock)
    if missing and locked:
        raise LockRefused(
            f"{LOCK_FILE} lacks {', '.join(missing[:3])}", where=LOCK_FILE, hint="run: rushes lock"
        )
    check_weights(project.models, lock, store)
    if missing:
        lock, _ = complete_lock(project, lock, store)
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
    lock = prepare_lock(project, store, locked=options.locked)
    outcome = Outcome()
    plan, results = _run_rounds(project, lock, store, options, observer, outcome)
    result = RunResult(
        run=run_id,
        seconds=round(time.perf_counter() - start, 4),
        usd=0.0,
        shots=[_shot_result(shot, results, outcome) for shot in plan.shots],
        films=[_film_result(film, plan, results, outcome) for film in plan.films],
    )
    _enter_ledger(ledger, project, result, outcome, plan, options, started_at)
    return Build(result, plan, lock)


def _run_rounds(
    project: Project,
    lock: Lock,
    store: Store,
    options: BuildOptions,
    observer: Observer,
    outcome: Outcome,
) -> tuple[Plan, Mapping[Key, Result]]:
    """Plan and run until nothing is left to run and every clip is in its place."""
    empty = 0
    interval = project.checkpoint_seconds
    with LocalExecutor(
        store, observer, options.device, options.media_workers, interval
    ) as executor:
        while True:
            plan = build_plan(project, lock, lambda keys: find_facts(store, keys), options.targets)
            results = store.index.get_many(plan.keys())
            steps = [
                step
                for step in order_work(plan, results.__contains__)
                if _find_error(step.node, outcome, results) is None
            ]
            if not steps:
                try:
                    if options.place:
                        place_clips(store, project.folder, _clips(plan, results))
                    return plan, results
                except CorruptObject as exc:
                    _forget(store, results, exc.digest)
                    continue
            if not outcome.finished:
                check_toolchain({step.node.stage for step in steps}, lock)
            before = len(outcome.finished) + len(outcome.broken)
            observer.see_steps(steps)
            executor.run(steps, outcome)
            empty = 0 if len(outcome.finished) + len(outcome.broken) > before else empty + 1
            if empty > MAX_EMPTY_ROUNDS:
                raise StageFailed(
                    "stored results are lost faster than they are made",
                    where=str(store.folder),
                    hint="look at the disk, then run: rushes cache verify",
                )


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


def clip_name(name: str, node: Node) -> str:
    """The file of a shot or film in ``out/``."""
    return f"{name}.{node.params.container}"  # type: ignore[attr-defined]


def _find_error(node: Node, outcome: Outcome, results: Mapping[Key, Result]) -> RushesError | None:
    """Why a node cannot have a result in this run, or None."""
    if not outcome.broken or node.key in results:
        return None
    if node.key in outcome.broken:
        return outcome.broken[node.key][1]
    for _, before in node.inputs:
        if (error := _find_error(before, outcome, results)) is not None:
            return error
    return None


def _shot_result(plan: ShotPlan, results: Mapping[Key, Result], outcome: Outcome) -> ClipResult:
    shot, kept = plan.shot, plan.kept
    return _clip_result(
        name=shot.name,
        clip=kept.nodes["export"],
        nodes=kept.nodes,
        attempt=kept.attempt,
        seed=kept.seed,
        attempts=len(plan.takes),
        shape=(shot.shape.frames, shot.shape.fps, shot.shape.size),
        results=results,
        outcome=outcome,
    )


def _film_result(
    plan: FilmPlan, whole: Plan, results: Mapping[Key, Result], outcome: Outcome
) -> ClipResult:
    params = plan.nodes["check"].params
    size = f"{params.width}x{params.height}"  # type: ignore[attr-defined]
    return _clip_result(
        name=plan.film.name,
        clip=plan.nodes["assemble"],
        nodes=plan.nodes,
        attempt=0,
        seed=None,
        attempts=1,
        shape=(params.frames, params.fps, size),  # type: ignore[attr-defined]
        results=results,
        outcome=outcome,
    )


def _clip_result(
    *,
    name: str,
    clip: Node,
    nodes: Mapping[str, Node],
    attempt: int,
    seed: int | None,
    attempts: int,
    shape: tuple[int, float, str],
    results: Mapping[Key, Result],
    outcome: Outcome,
) -> ClipResult:
    check = nodes["check"]
    error = _find_error(check, outcome, results)
    verdict = results.get(check.key) if check.key is not None else None
    facts = verdict.facts if verdict is not None else {}
    status: Status = "error" if error is not None else "passed" if facts.get("passed") else "failed"
    made = clip.key in results and error is None
    return ClipResult(
        name=name,
        status=status,
        path=f"{OUT_FOLDER}/{clip_name(name, clip)}" if made else None,
        seed=seed,
        attempts=attempts,
        frames=shape[0],
        fps=shape[1],
        size=shape[2],
        stages=[
            row
            for node in nodes.values()
            if (row := _stage_result(node, attempt, results, outcome)) is not None
        ],
        checks=facts.get("verdicts", []),  # type: ignore[arg-type]
        error=None if error is None else ErrorInfo(**error.to_dict()),  # type: ignore[arg-type]
    )


def _stage_result(
    node: Node, attempt: int, results: Mapping[Key, Result], outcome: Outcome
) -> StageResult | None:
    """How this run came by a node; None where it has no result.

    A node whose result is gone but was not needed counts as a hit: it was not computed.
    """
    assert node.key is not None
    if node.key in outcome.finished and outcome.finished[node.key][1].ran:
        event = outcome.finished[node.key][1]
        return StageResult(node.stage, node.key, "ran", event.seconds, event.peak_bytes, attempt)
    if _find_error(node, outcome, results) is not None:
        return None
    peak = results[node.key].peak_bytes if node.key in results else 0
    return StageResult(node.stage, node.key, "hit", 0.0, peak, attempt)


def _enter_ledger(
    ledger: Ledger,
    project: Project,
    result: RunResult,
    outcome: Outcome,
    plan: Plan,
    options: BuildOptions,
    started_at: float,
) -> None:
    typical = ledger.typical()
    seeds = {(s.shot.name, take.attempt): take.seed for s in plan.shots for take in s.takes}
    rows = []
    for step, event in outcome.finished.values():
        if event.ran:
            guess = typical.get((step.node.stage, step.node.model))
            rows.append(
                NodeRow(
                    run=result.run,
                    key=event.key,
                    stage=step.node.stage,
                    model=step.node.model,
                    shot=step.name,
                    attempt=step.attempt,
                    seed=seeds.get((step.name, step.attempt)),
                    started_at=event.started_at,
                    seconds=event.seconds,
                    predicted_peak_bytes=guess[1] if guess else None,
                    peak_bytes=event.peak_bytes,
                    usd=0.0,
                    resumed_step=event.resumed_step,
                    loads=msgspec.json.encode(event.loads).decode(),
                    passed=event.passed,
                    error=None,
                )
            )
    rows += [_broken_row(result.run, step, error, seeds) for step, error in outcome.broken.values()]
    ledger.add_nodes(rows)
    hits = sum(len(clip.stages) for clip in result.clips) - result.ran
    ledger.add_run(
        RunRow(
            id=result.run,
            started_at=started_at,
            seconds=result.seconds,
            project=project.name,
            command=options.command,
            asked_by=describe_user(),
            rushes=rushes.__version__,
            machine=", ".join([describe_machine(), *_devices(outcome)]),
            hits=hits,
            ran=sum(row.error is None for row in rows),
            usd=0.0,
            exit_code=result.exit_code,
        )
    )


def _devices(outcome: Outcome) -> list[str]:
    """Devices that models ran on."""
    return sorted({event.device for _, event in outcome.finished.values() if event.device})


def _broken_row(
    run: str, step: Step, error: RushesError, seeds: Mapping[tuple[str, int], int]
) -> NodeRow:
    node = step.node
    return NodeRow(
        run=run,
        key=node.key or "",
        stage=node.stage,
        model=node.model,
        shot=step.name,
        attempt=step.attempt,
        seed=seeds.get((step.name, step.attempt)),
        started_at=time.time(),
        seconds=0.0,
        predicted_peak_bytes=None,
        peak_bytes=0,
        usd=0.0,
        resumed_step=None,
        loads="{}",
        passed=None,
        error=f"{type(error).__name__}: {error.message}",
    )


def open_ledger(store: Store) -> Ledger:
    """The ledger that lies beside a store's index."""
    return Ledger(Path(store.folder) / "ledger.sqlite")
