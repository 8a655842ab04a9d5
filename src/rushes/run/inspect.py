"""A project looked at without changing anything: its plan, and what the store has of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rushes.accepted import explain_stale, hold_accepted, use_accepted
from rushes.ledger import Ledger
from rushes.lock import (
    Lock,
    check_weights,
    read_lock,
)
from rushes.needs import (
    needed_checkpoints,
)
from rushes.plan.build import build_plan
from rushes.plan.forecast import Typical
from rushes.plan.memory.fit import MemoryPlan
from rushes.plan.nodes import Plan
from rushes.run.build import BuildOptions, find_facts, override_shots
from rushes.run.machine import find_target
from rushes.run.memory import fit_plan
from rushes.spec.resolve import load_project
from rushes.store.index import Result
from rushes.store.store import Store, find_store
from rushes.types import Key


@dataclass(frozen=True, slots=True)
class View:
    """A plan with the results that exist of it.

    Args:
        stale: by shot, why its accepted take is not made again.
    """

    plan: Plan
    lock: Lock
    results: Mapping[Key, Result]
    typical: Typical
    memory: MemoryPlan
    stale: Mapping[str, str]


def inspect_project(folder: Path, options: BuildOptions) -> View:
    """Plan a project and look its keys up; nothing is written.

    Raises:
        ProjectError: the project file is wrong.
        LockRefused: the weights are not the locked ones.
    """
    stated = load_project(folder)
    project = override_shots(stated, options)
    store = Store(find_store(folder), read_only=True)
    lock = read_lock(folder)
    if options.locked and options.seed is None:
        project = use_accepted(project, lock.accepted)
    check_weights(needed_checkpoints(project), lock, store, remember=False, needed=False)
    plan = build_plan(project, lock, lambda keys: find_facts(store, keys), options.targets)
    results = store.index.get_many(plan.keys())
    target = find_target(
        project, None if options.device == "auto" else options.device, options.vram
    )
    memory, stale = fit_plan(plan, lock, target), explain_stale(stated, lock.accepted)
    return View(plan, lock, results, _typical(store), memory, stale)


def list_kept(folder: Path) -> set[Key]:
    """Keys that the project as it is now uses, or goes back to with what rushes.lock says was
    accepted.

    Raises:
        ProjectError, LockRefused: as :func:`inspect_project`.
    """
    view = inspect_project(folder, BuildOptions())
    project, lock, store = view.plan.project, view.lock, Store(find_store(folder), read_only=True)
    keys = view.plan.keys()
    for use in (use_accepted, hold_accepted) if lock.accepted else ():
        held = use(project, lock.accepted)
        keys |= build_plan(held, lock, lambda keys: find_facts(store, keys)).keys()
    return keys


def _typical(store: Store) -> Typical:
    path = store.folder / "ledger.sqlite"
    return Ledger(path).typical() if path.exists() else {}
