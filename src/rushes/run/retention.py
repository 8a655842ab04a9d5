"""How long what was made from files is kept, and erasing it."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from msgspec import UNSET

from rushes.ledger import Ledger
from rushes.needs import (
    READING_STAGES,
)
from rushes.spec.project import Project
from rushes.store.files import digest_file
from rushes.store.purge import Purged, purge_older, purge_paths
from rushes.store.store import Store

DAY_SECONDS = 86_400.0
TEMPORARY = "rushes-ask-"
"""Folders of commands that keep nothing; the number of their process comes after it."""


def open_ledger(store: Store) -> Ledger:
    """The ledger that lies beside a store's index."""
    return Ledger(Path(store.folder) / "ledger.sqlite")


@dataclass(frozen=True, slots=True)
class Erased:
    """What went: results with their objects, rows of the ledger, leftovers of killed commands."""

    results: int
    objects: int
    nbytes: int
    rows: int
    leftovers: int


def purge_source(store: Store, source: Path) -> Erased:
    """Erase all that was made from a file, which need not be there any more.

    A result that was also read from a copy of it elsewhere stays, for that copy.

    Raises:
        StoreError: the store cannot be used.
    """
    path = os.path.abspath(source)
    digest = digest_file(source) if source.is_file() else None
    done = purge_paths(store, [path], digest)
    return _finish(store, done, [path])


def expire_kept(store: Store, project: Project | None) -> Erased | None:
    """Erase what is older than ``policy.keep_days``; None where there is nothing to do.

    Raises:
        StoreError: the store cannot be used.
    """
    days = UNSET if project is None else project.policy.keep_days
    if days is UNSET:
        return None
    done = purge_older(store, days * DAY_SECONDS)
    with closing(open_ledger(store)) as ledger:
        old = time.time() - days * DAY_SECONDS, READING_STAGES
        rows = ledger.erase_nodes(done.keys, before=old)
    if not done.keys and not rows:
        return None
    return Erased(done.results, done.objects, done.nbytes, rows, sweep_temporary())


def _finish(store: Store, done: Purged, names: list[str]) -> Erased:
    with closing(open_ledger(store)) as ledger:
        rows = ledger.erase_nodes(done.keys, names)
    return Erased(done.results, done.objects, done.nbytes, rows, sweep_temporary())


def sweep_temporary() -> int:
    """Remove what killed commands that keep nothing have left; how many there were."""
    gone = list(_find_temporary())
    for folder in gone:
        shutil.rmtree(folder, ignore_errors=True)
    return len(gone)


def _find_temporary() -> Iterator[Path]:
    if not Path("/proc").exists():
        return
    for folder in Path(tempfile.gettempdir()).glob(f"{TEMPORARY}*-*"):
        pid = folder.name.removeprefix(TEMPORARY).partition("-")[0]
        mine = folder.is_dir() and folder.stat().st_uid == os.getuid()
        if mine and pid.isdigit() and not Path(f"/proc/{pid}").exists():
            yield folder
