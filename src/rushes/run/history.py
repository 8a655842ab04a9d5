"""Graphs of earlier git revisions of a project."""

from __future__ import annotations

import subprocess
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

from rushes.errors import UsageError
from rushes.lock import LOCK_FILE, Lock, read_lock
from rushes.plan.build import build_plan
from rushes.plan.explain import GraphRecord, record_graph
from rushes.plan.nodes import Plan
from rushes.run.build import find_facts
from rushes.spec.read import PROJECT_FILE
from rushes.spec.resolve import load_project
from rushes.store.store import Store, find_store


def graph_at_revision(folder: Path, revision: str, lock: Lock) -> tuple[GraphRecord, bool]:
    """The project's graph at a git revision; arguments and errors as :func:`plan_at_revision`."""
    plan, had_lock = plan_at_revision(folder, revision, lock)
    return record_graph(plan), had_lock


def plan_at_revision(folder: Path, revision: str, lock: Lock) -> tuple[Plan, bool]:
    """The project's plan at a git revision, as far as the store's verdicts let it be known. What
    it is given from files lies in a folder that is gone.

    Args:
        lock: used where the revision holds none.

    Returns:
        The plan, and whether the revision holds a rushes.lock.

    Raises:
        UsageError: not a git repository, or no such revision, or no project in it.
    """
    commit = _git(folder, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    with tempfile.TemporaryDirectory(prefix="rushes-diff-") as name:
        copy = Path(name)
        # what a shot is given is part of its key, so that the folder is needed whole
        with tarfile.open(fileobj=BytesIO(_git(folder, "archive", commit.decode().strip()))) as tar:
            tar.extractall(copy, filter="data")
        if not (copy / PROJECT_FILE).is_file():
            raise UsageError(f"{revision} holds no {PROJECT_FILE} in this folder")
        project = load_project(copy)
        had_lock = (copy / LOCK_FILE).is_file()
        store = Store(find_store(folder), read_only=True)
        plan = build_plan(
            project, read_lock(copy) if had_lock else lock, lambda keys: find_facts(store, keys)
        )
        return plan, had_lock


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
