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

CHUNK = 30_000
Transaction = Callable[[], AbstractContextManager[None]]


class Sources:
    """One table of the index: (key, digest of a source, absolute path where it was read)."""

    def __init__(self, db: sqlite3.Connection, transaction: Transaction) -> None:
        self._db, self._transaction = db, transaction

    def add(
        self, key: Key, files: Iterable[tuple[Digest, str | Path]], inputs: Iterable[Key] = ()
    ) -> None:
        """Note what a result is made from: files, and all that its inputs are made from.

        Noted before the result is stored, so that a kill leaves none without its sources.
        """
        rows = [(key, digest, str(path)) for digest, path in files]
        before = list(inputs)
        marks = ",".join("?" * len(before))
        query = f"SELECT ?, digest, path FROM sources WHERE key IN ({marks})"
        rows += self._db.execute(query, [key, *before]).fetchall()
        self.add_rows(rows)

    def add_rows(self, rows: Iterable[tuple[Key, Digest, str]]) -> None:
        """Note rows; those that are there already cost no write."""
        fresh = [row for row in dict.fromkeys(rows) if not self._has(row)]
        if fresh:
            with self._transaction():
                self._db.executemany("INSERT OR IGNORE INTO sources VALUES (?, ?, ?)", fresh)

    def _has(self, row: tuple[Key, Digest, str]) -> bool:
        query = "SELECT 1 FROM sources WHERE key = ? AND digest = ? AND path = ?"
        return self._db.execute(query, row).fetchone() is not None

    def find_keys(self, path: str, digest: Digest | None) -> set[Key]:
        """Keys of what was made of a file: by where it was read, and by what it holds now."""
        rows = self._db.execute(
            "SELECT DISTINCT key FROM sources WHERE path = ? OR digest = ?", [path, digest or ""]
        )
        return {Key(key) for (key,) in rows}

    def find_paths(self, key: Key) -> set[str]:
        """Where the sources of a result were read."""
        rows = self._db.execute("SELECT path FROM sources WHERE key = ?", [key])
        return {path for (path,) in rows}

    def keys(self) -> set[Key]:
        """Keys of all results that were made from files."""
        return {Key(key) for (key,) in self._db.execute("SELECT DISTINCT key FROM sources")}
