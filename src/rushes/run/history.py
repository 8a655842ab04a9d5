"""Graphs of earlier git revisions of a project."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from rushes.errors import UsageError
from rushes.lock import LOCK_FILE, Lock, read_lock
from rushes.plan.build import build_plan
from rushes.plan.explain import GraphRecord, record_graph
from rushes.run.build import find_facts
from rushes.spec.read import PROJECT_FILE
from rushes.spec.resolve import load_project
from rushes.store.store import Store, find_store


def graph_at_revision(folder: Path, revision: str, lock: Lock) -> tuple[GraphRecord, bool]:
    """The project's graph at a git revision.

    Args:
        lock: used where the revision holds none.

    Returns:
        The graph, and whether the revision holds a rushes.lock.

    Raises:
        UsageError: not a git repository, or no such revision, or no project in it.
    """
    listed = _git(folder, "ls-tree", "-r", "--name-only", "-z", "--end-of-options", revision, ".")
    names = [name for name in listed.decode().split("\0") if name.endswith((".toml", LOCK_FILE))]
    if PROJECT_FILE not in names:
        raise UsageError(f"{revision} holds no {PROJECT_FILE} in this folder")
    with tempfile.TemporaryDirectory(prefix="rushes-diff-") as name:
        copy = Path(name)
        for path in names:
            target = copy / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(_git(folder, "show", f"{revision}:./{path}"))
        project = load_project(copy)
        had_lock = LOCK_FILE in names
        store = Store(find_store(folder), read_only=True)
        plan = build_plan(
            project, read_lock(copy) if had_lock else lock, lambda keys: find_facts(store, keys)
        )
        return record_graph(plan), had_lock


def _git(folder: Path, *args: str) -> bytes:
    try:
        done = subprocess.run(["git", *args], cwd=folder, capture_output=True, check=False)
    except FileNotFoundError as exc:
        raise UsageError("git is not installed", hint="diff reads revisions with git") from exc
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise UsageError(
            f"git: {reason[-1] if reason else 'failed'}", hint="name a revision, such as HEAD~1"
        )
    return done.stdout
