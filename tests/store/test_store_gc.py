"""What goes when a store is cleaned, and what stays."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from rushes.store.maintain import GRACE_SECONDS, collect_garbage, measure_store, verify_store
from rushes.store.store import Store
from tests.store.tools import key_of, object_path, put

DAY = 86400.0


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def make_older(store: Store, name: int, seconds: float) -> None:
    with store.index._db:
        store.index._db.execute(
            "UPDATE results SET made_at = made_at - ? WHERE key = ?", [seconds, key_of(name)]
        )


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    found = (path for path in folder.rglob("*"))
    return {str(p): (p.stat().st_mtime_ns, p.stat().st_size) for p in found}


def test_what_the_plan_uses_stays(store: Store) -> None:
    kept, lost = put(store, 1, b"kept"), put(store, 2, b"lost")
    assert collect_garbage(store, {kept.key}, 0, dry_run=False) == (1, 1, 4)
    assert store.read_outputs(kept)
    assert store.index.get(lost.key) is None
    assert not object_path(store, lost).exists()
    assert verify_store(store) == []


def test_an_object_of_two_results_goes_with_the_last(store: Store) -> None:
    one, two = put(store, 1, b"same"), put(store, 2, b"same")
    assert collect_garbage(store, {one.key}, 0, dry_run=False) == (1, 0, 0)
    assert store.read_outputs(one)
    assert collect_garbage(store, set(), 0, dry_run=False) == (1, 1, 4)
    assert not object_path(store, two).exists()


def test_young_results_stay(store: Store) -> None:
    old, young = put(store, 1, b"old"), put(store, 2, b"young")
    make_older(store, 1, 8 * DAY)
    results, _, _ = collect_garbage(store, set(), 7 * DAY, dry_run=False)
    assert results == 1
    assert store.index.get(old.key) is None
    assert store.read_outputs(young)


def test_a_dry_run_says_the_same_and_changes_nothing(store: Store) -> None:
    put(store, 1, b"one")
    put(store, 2, b"two")
    store.checkpoint_path(key_of(3)).write_bytes(b"c")
    (store.folder / "tmp" / "999999999-x").mkdir()
    before, held = listing(store.folder), measure_store(store)
    said = collect_garbage(store, set(), 0, dry_run=True)
    assert listing(store.folder) == before
    assert measure_store(store) == held
    assert said == (2, 2, 6)
    assert collect_garbage(store, set(), 0, dry_run=False) == said
    assert not list((store.folder / "checkpoints").iterdir())
    assert not list((store.folder / "tmp").iterdir())


def test_a_fresh_object_without_a_result_may_yet_get_one(store: Store) -> None:
    """A writer is between its object and its result."""
    (file := store.folder / "tmp" / "f").write_bytes(b"fresh")
    digest, _ = store.objects.put(file)
    assert GRACE_SECONDS > 60
    assert collect_garbage(store, set(), DAY, dry_run=False) == (0, 0, 0)
    assert store.objects.has(digest)
    assert collect_garbage(store, set(), 0, dry_run=False) == (0, 1, 5)
    assert not store.objects.has(digest)


def test_checkpoints_of_running_nodes_stay(store: Store) -> None:
    path, old = store.checkpoint_path(key_of(1)), store.checkpoint_path(key_of(2))
    path.write_bytes(b"c")
    old.write_bytes(b"c")
    os.utime(old, (time.time() - 8 * DAY,) * 2)
    collect_garbage(store, set(), 7 * DAY, dry_run=False)
    assert path.exists()
    assert not old.exists()


def test_status_counts_by_stage(store: Store) -> None:
    put(store, 1, b"12345", "export")
    put(store, 2, b"123", "export")
    put(store, 3, b"1", "check")
    status = measure_store(store)
    assert (status.objects, status.nbytes, status.results) == (3, 9, 3)
    assert status.by_stage == {"export": (2, 8), "check": (1, 1)}
