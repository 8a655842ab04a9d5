"""The store of a project: objects, results, locks, scratch space and checkpoints in one folder."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from rushes.errors import CorruptObject, StoreError
from rushes.store.files import digest_file, map_os_errors
from rushes.store.index import Index, Output, Result
from rushes.store.locks import hold_lock
from rushes.store.objects import LocalObjects, stamp_of
from rushes.store.sources import SourceRow
from rushes.types import Digest, Key

STORE_FOLDER = ".rushes"
STORE_VARIABLE = "RUSHES_STORE"
RACY_SECONDS = 0.1
"""A file that was changed so recently could change again within the same tick of the clock, and
keep its stamp: its digest is not remembered (git calls such entries racy)."""


def find_store(project: Path) -> Path:
    """The store's folder: what RUSHES_STORE names, else ``.rushes`` in the project.

    Raises:
        StoreError: RUSHES_STORE is a URL of something other than a local folder.
    """
    named = os.environ.get(STORE_VARIABLE, "").removeprefix("file://")
    if "://" in named:
        raise StoreError(
            f"{STORE_VARIABLE}={named} is not a local folder", hint="name a folder of this machine"
        )
    return Path(named).expanduser() if named else project / STORE_FOLDER


class Store:
    """Objects by digest, results by key, in a local folder.

    Args:
        folder: created when something is first written, unless ``read_only``.
        read_only: nothing is created; an absent store reads as an empty one.
    """

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self.folder = folder
        self.objects = LocalObjects(folder / "objects")
        index = folder / "index.sqlite"
        if read_only:
            self.index = Index(index if index.exists() else Path(":memory:"))
            return
        with map_os_errors("opening the store", folder):
            for part in ("objects", "tmp", "locks", "checkpoints"):
                (folder / part).mkdir(parents=True, exist_ok=True)
            self._ignore_in_git()
        self.index = Index(index)

    def _ignore_in_git(self) -> None:
        mark = self.folder / ".gitignore"
        if not mark.exists() or not mark.stat().st_size:  # empty: the disk was full
            mark.write_text("*\n")

    def close(self) -> None:
        """Close the index."""
        self.index.close()

    def put_result(
        self,
        key: Key,
        stage: str,
        files: dict[str, Path],
        facts: dict[str, object],
        seconds: float,
        peak_bytes: int,
        sources: Iterable[SourceRow] = (),
    ) -> Result:
        """Store a node's files, then record its result; a kill in between leaves no result.

        Args:
            sources: from which files it was made, recorded with it.
        """
        outputs = {name: Output(*self.objects.put(file)) for name, file in files.items()}
        result = Result(key, stage, outputs, facts, seconds, peak_bytes)
        self.index.put([result], sources)
        return result

    def read_outputs(self, result: Result) -> dict[str, Path]:
        """Verified paths of a result's files.

        Raises:
            CorruptObject: one is missing or changed; the result is forgotten.
        """
        try:
            return {name: self.objects.read(out.digest) for name, out in result.outputs.items()}
        except CorruptObject:
            self.index.drop([result.key])
            raise

    def lock(
        self, key: Key, on_wait: Callable[[], None] | None = None
    ) -> AbstractContextManager[None]:
        """Hold the lock of a key."""
        return hold_lock(self.folder / "locks" / key, on_wait)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A fresh folder on the store's file system, removed afterwards."""
        folder = self.folder / "tmp" / f"{os.getpid()}-{uuid.uuid4().hex}"
        with map_os_errors("making a scratch folder", folder):
            folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def digest_files(self, paths: Iterable[Path], *, remember: bool = True) -> dict[Path, Digest]:
        """Digests of files outside the store; unchanged ones are not read again.

        Args:
            remember: keep the digests for the next time; False writes nothing.
        """
        paths = [path.absolute() for path in paths]
        known = self.index.recall_files(paths)
        found: dict[Path, Digest] = {}
        fresh = []
        for path in paths:
            stamp = stamp_of(path)
            if path in known and known[path][0] == stamp:
                found[path] = known[path][1]
            else:
                found[path] = digest_file(path)
                if time.time() - stamp[3] / 1e9 > RACY_SECONDS:
                    fresh.append((path, stamp, found[path]))
        if remember:
            self.index.remember_files(fresh)
        return found

    def checkpoint_path(self, key: Key) -> Path:
        """Where a running node keeps its checkpoint."""
        return self.folder / "checkpoints" / key

    def sweep_scratch(self) -> None:
        """Remove scratch folders of processes that are gone."""
        for folder in (self.folder / "tmp").iterdir():
            pid = folder.name.partition("-")[0]
            if pid.isdigit() and not Path(f"/proc/{pid}").exists() and Path("/proc").exists():
                with contextlib.suppress(OSError):
                    shutil.rmtree(folder)
