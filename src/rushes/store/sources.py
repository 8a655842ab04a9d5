"""From which files outside the store a result was made: what erasing a file's traces goes by.

A result counts under every path at which its source was read, so that copies of one file share it
until the last of them is erased.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path

from rushes.types import Digest, Key

SourceRow = tuple[Key, Digest, str]
"""A result, the digest of a file that it was made from, and where that was read."""
Transaction = Callable[[], AbstractContextManager[None]]


class Sources:
    """One table of the index: (key, digest of a source, absolute path where it was read)."""

    def __init__(self, db: sqlite3.Connection, transaction: Transaction) -> None:
        self._db, self._transaction = db, transaction

    def list_rows(
        self, key: Key, files: Iterable[tuple[Digest, str | Path]], inputs: Iterable[Key] = ()
    ) -> list[SourceRow]:
        """What a result is made from: files, and all that its inputs are made from."""
        rows = {(key, digest, str(path)): None for digest, path in files}
        for before in inputs:
            rows |= {(key, Digest(row[1]), row[2]): None for row in self._rows_of(before)}
        return list(rows)

    def add_rows(self, rows: Iterable[SourceRow]) -> None:
        """Note rows; those that are there already cost no write."""
        fresh = [row for row in dict.fromkeys(rows) if not self._has(row)]
        if fresh:
            with self._transaction():
                self._db.executemany("INSERT OR IGNORE INTO sources VALUES (?, ?, ?)", fresh)

    def _has(self, row: SourceRow) -> bool:
        query = "SELECT 1 FROM sources WHERE key = ? AND digest = ? AND path = ?"
        return self._db.execute(query, row).fetchone() is not None

    def find_paths(self, key: Key) -> set[str]:
        """Where the sources of a result were read."""
        return self.find_places_of([key])

    def find_places(self, digest: Digest) -> set[str]:
        """Where a file of this content was read."""
        rows = self._db.execute("SELECT DISTINCT path FROM sources WHERE digest = ?", [digest])
        return {path for (path,) in rows}

    def find_keys(self, digest: Digest) -> set[Key]:
        """Keys of what was made of a file of this content."""
        rows = self._db.execute("SELECT DISTINCT key FROM sources WHERE digest = ?", [digest])
        return {Key(key) for (key,) in rows}

    def find_places_of(self, keys: Iterable[Key]) -> set[str]:
        """Where the sources of results were read."""
        return {row[2] for key in keys for row in self._rows_of(key)}

    def all_places(self) -> set[str]:
        """Where any source was read."""
        return {path for (path,) in self._db.execute("SELECT DISTINCT path FROM sources")}

    def find_only_from(self, paths: Iterable[str]) -> set[Key]:
        """Keys of what one of these paths alone is a source of, so that it goes with them.

        A result of several files goes with each of them; one of a file that was also read
        elsewhere stays.
        """
        gone = set(paths)
        query = "SELECT DISTINCT key FROM sources WHERE path = ?"
        keys = {Key(key) for path in gone for (key,) in self._db.execute(query, [path])}
        return {key for key in keys if self._loses_a_source(key, gone)}

    def _loses_a_source(self, key: Key, gone: set[str]) -> bool:
        left: dict[str, bool] = {}
        for _, digest, path in self._rows_of(key):
            left[digest] = left.get(digest, False) or path not in gone
        return not all(left.values())

    def _rows_of(self, key: Key) -> list[tuple[str, str, str]]:
        return self._db.execute(
            "SELECT key, digest, path FROM sources WHERE key = ?", [key]
        ).fetchall()

    def find_older(self, made_at: float) -> set[Key]:
        """Keys of results that were made from files before a Unix time, or at it."""
        rows = self._db.execute(
            "SELECT DISTINCT key FROM sources JOIN results USING (key) WHERE made_at <= ?",
            [made_at],
        )
        return {Key(key) for (key,) in rows}

    def find_unmade(self) -> set[Key]:
        """Keys that were noted and have no result."""
        rows = self._db.execute(
            "SELECT DISTINCT key FROM sources WHERE key NOT IN (SELECT key FROM results)"
        )
        return {Key(key) for (key,) in rows}

    def forget_keys(self, keys: Iterable[Key]) -> None:
        """Forget what results were made from."""
        with self._transaction():
            self._db.executemany("DELETE FROM sources WHERE key = ?", [(key,) for key in keys])

    def forget_paths(self, paths: Iterable[str]) -> None:
        """Forget that anything was read at these paths."""
        rows = [(path,) for path in paths]
        with self._transaction():
            self._db.executemany("DELETE FROM sources WHERE path = ?", rows)
            self._db.executemany("DELETE FROM files WHERE path = ?", rows)
