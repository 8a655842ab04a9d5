"""Erasing what was made from a file outside the store, so that no byte of the store tells of it.

What other sources share stays until the last of them goes. The index overwrites what it deletes
(``secure_delete``) and is rewritten whole afterwards, since a row's old places may hold it too.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rushes.store.store import Store
from rushes.types import Digest, Key


@dataclass(frozen=True, slots=True)
class Purged:
    """What went. ``keys``: of results, or of what was about to be made."""

    keys: frozenset[Key]
    results: int
    objects: int
    nbytes: int


def purge_paths(store: Store, paths: Iterable[str], digest: Digest | None) -> Purged:
    """Erase what was made of files that were read at some paths.

    Args:
        digest: of what is there now. What has the same bytes, and was read at a path where there is
            no file any more, was the same file: that goes too.
    """
    gone = set(paths)
    if digest is not None:
        known = store.index.sources.find_places(digest)
        gone |= {place for place in known if not Path(place).is_file()}
    keys = store.index.sources.find_only_from(gone)
    done = erase_keys(store, keys)
    store.index.sources.forget_paths(gone)
    store.index.shrink()
    return done


def purge_older(store: Store, than_seconds: float) -> Purged:
    """Erase what was made from files so long ago, and notes of what never was made."""
    sources = store.index.sources
    keys = sources.find_older(time.time() - than_seconds)
    keys |= {key for key in sources.find_unmade() if not (store.folder / "locks" / key).exists()}
    if not keys:
        return Purged(frozenset(), 0, 0, 0)
    done = erase_keys(store, keys)
    store.index.shrink()
    return done


def erase_keys(store: Store, keys: Iterable[Key]) -> Purged:
    """Erase results, what nobody else needs of their objects, and their notes.

    One that is being computed is waited for.
    """
    wanted = frozenset(keys)
    for key in sorted(wanted):
        with store.lock(key), contextlib.suppress(FileNotFoundError):
            store.checkpoint_path(key).unlink()
    found = store.index.get_many(wanted)
    objects = {
        output.digest: output.nbytes for r in found.values() for output in r.outputs.values()
    }
    places = store.index.sources.find_places_of(wanted)
    store.index.drop(wanted)
    store.index.sources.forget_keys(wanted)
    store.index.forget_files(places - store.index.sources.all_places())
    for result, _, _ in store.index.all():
        for output in () if result is None else result.outputs.values():
            objects.pop(output.digest, None)
    for digest in objects:
        store.objects.drop(digest)
    store.sweep_scratch()
    return Purged(wanted, len(found), len(objects), sum(objects.values()))
