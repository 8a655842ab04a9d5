"""Accepting takes: the kept takes that pass, written into rushes.lock, and their golden files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from rushes.accepted import accept_take
from rushes.errors import UsageError
from rushes.lock import Lock, LockChange, write_lock
from rushes.plan.nodes import Plan, ShotPlan
from rushes.spec.project import Project
from rushes.store.files import copy_durable
from rushes.store.index import Result
from rushes.store.store import Store
from rushes.types import Key


def accept_takes(
    project: Project,
    plan: Plan,
    lock: Lock,
    results: Mapping[Key, Result],
    store: Store,
    names: Iterable[str],
) -> tuple[Lock, list[LockChange]]:
    """Write the kept takes of these shots into the lock, and golden files where shots name one.

    Args:
        project: as its file says it, without what a command line overrides.
        results: what is stored of the plan.

    Raises:
        UsageError: a shot is not there, is not built, or its kept take was refused; nothing is
            written then.
    """
    shots = {shot.shot.name: shot for shot in plan.shots}
    accepted, changes = dict(lock.accepted), []
    chosen = [_find(name, project, shots, results) for name in names]
    for shot in chosen:
        kept, name = shot.kept, shot.shot.name
        assert kept.verdict.key is not None
        rows = results[kept.verdict.key].facts["verdicts"]
        take = accept_take(project.shots[name], kept.seed, kept.mends, rows)
        if take != accepted.get(name):
            was = accepted.get(name)
            before = None if was is None else f"seed {was.seed}"
            changes.append(LockChange(f"accepted.{name}", before, f"seed {take.seed}"))
        accepted[name] = take
    after = msgspec.structs.replace(lock, accepted=accepted)
    for shot in chosen:
        _write_golden(shot, project, results, store)
    if changes:
        write_lock(project.folder, after)
    return after, changes


def list_passed(plan: Plan, results: Mapping[Key, Result]) -> list[str]:
    """Shots whose kept take passed."""
    return [
        shot.shot.name
        for shot in plan.shots
        if shot.settled
        and (result := results.get(shot.kept.verdict.key or Key(""))) is not None
        and result.facts["passed"]
    ]


def _find(
    name: str, project: Project, shots: Mapping[str, ShotPlan], results: Mapping[Key, Result]
) -> ShotPlan:
    if name not in project.shots:
        raise UsageError(f"there is no shot {name!r}", hint=f"there is: {', '.join(project.shots)}")
    shot = shots[name]
    if shot.kept.shot.remote is not None and project.shots[name].remote is None:
        raise UsageError(
            f"the kept take of {name!r} was paid for after others had failed: it has no seed here",
            hint="name the remote as the shot's model to accept its takes",
        )
    key = shot.kept.verdict.key
    if not shot.settled or key is None or key not in results:
        raise UsageError(f"{name!r} is not built yet", hint=f"rushes make {name}")
    if not results[key].facts["passed"]:
        raise UsageError(
            f"the kept take of {name!r} was refused by its checks",
            hint='set the check\'s gate to level = "warn", or try more takes, then accept',
        )
    return shot


def _write_golden(
    shot: ShotPlan, project: Project, results: Mapping[Key, Result], store: Store
) -> None:
    golden, key = shot.shot.golden, shot.kept.nodes["export"].key
    if golden is None:
        return
    if key is None or key not in results:
        raise UsageError(f"the clip of {shot.shot.name!r} is not in the store any more",
                         hint=f"rushes make {shot.shot.name}")  # fmt: skip
    clip = store.objects.read(results[key].outputs["clip"].digest)
    copy_durable(clip, project.folder / golden.said)
