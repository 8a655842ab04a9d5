"""Looking after a store: its size, its soundness, and what can go."""

from __future__ import annotations

import time
from dataclasses import dataclass

from rushes.store.files import digest_file
from rushes.store.store import Store
from rushes.types import Digest, Key

GRACE_SECONDS = 3600.0
"""An object without a result may be one whose result is about to be recorded."""


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """Counts and sizes; ``by_stage`` is (results, bytes) of each stage."""

    folder: str
    objects: int
    nbytes: int
    results: int
    by_stage: dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class StoreFault:
    """Something in the store that is not as it should be."""

    kind: str
    name: str
    message: str


def measure_store(store: Store) -> StoreStatus:
    """Count what a store holds."""
    sizes = [path.stat().st_size for _, path in store.objects.list()]
    stages: dict[str, tuple[int, int]] = {}
    results = 0
    for result, _, _ in store.index.all():
        results += 1
        if result is not None:
            count, nbytes = stages.get(result.stage, (0, 0))
            more = sum(output.nbytes for output in result.outputs.values())
            stages[result.stage] = (count + 1, nbytes + more)
    return StoreStatus(str(store.folder), len(sizes), sum(sizes), results, stages)


def verify_store(store: Store) -> list[StoreFault]:
    """Read every object and row; nothing is changed."""
    faults: list[StoreFault] = []
    good: set[Digest] = set()
    for digest, path in store.objects.list():
        if digest_file(path) == digest:
            good.add(digest)
        else:
            faults.append(StoreFault("object", digest, "its bytes do not match its name"))
    for result, key, _ in store.index.all():
        if result is None:
            faults.append(StoreFault("result", key, "its row is damaged"))
            continue
        for name, output in result.outputs.items():
            if output.digest not in good:
                faults.append(
                    StoreFault("result", key, f"{name} of {result.stage} is missing or damaged")
                )
    return faults


def collect_garbage(
    store: Store, keep: set[Key], older_than_seconds: float, *, dry_run: bool
) -> tuple[int, int, int]:
    """Remove results that nobody needs, then objects that no result names.

    Args:
        keep: keys the project's present plan uses; never removed.
        older_than_seconds: other results go when they are at least this old.

    Returns:
        How many results and objects went, and the bytes they took.
    """
    now = time.time()
    gone: list[Key] = []
    wanted: set[Digest] = set()
    for result, key, made_at in store.index.all():
        if result is None or (key not in keep and now - made_at >= older_than_seconds):
            gone.append(key)
        else:
            wanted.update(output.digest for output in result.outputs.values())
    if not dry_run:
        store.index.drop(gone)
        store.index.sources.forget_keys(gone)
        store.sweep_scratch()
    objects, nbytes = 0, 0
    for digest, path in store.objects.list():
        stat = path.stat()
        if digest in wanted or (older_than_seconds and now - stat.st_ctime < GRACE_SECONDS):
            continue
        objects, nbytes = objects + 1, nbytes + stat.st_size
        if not dry_run:
            store.objects.drop(digest)
    for path in [] if dry_run else (store.folder / "checkpoints").iterdir():
        if now - path.stat().st_mtime >= older_than_seconds:
            path.unlink(missing_ok=True)
    return len(gone), objects, nbytes
