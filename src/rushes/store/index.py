"""The index: results by key, and remembered digests of files outside the store, in SQLite.

A result's row carries a digest of itself: a row that was damaged is no result.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from rushes.errors import StoreError, StoreFull
from rushes.store.objects import Stamp
from rushes.store.sources import SourceRow, Sources
from rushes.types import Digest, Key

SCHEMA = """
CREATE TABLE IF NOT EXISTS results (
    key TEXT PRIMARY KEY, body BLOB NOT NULL, sum BLOB NOT NULL, made_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, stamp TEXT NOT NULL, digest TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sources (
    key TEXT NOT NULL, digest TEXT NOT NULL, path TEXT NOT NULL, PRIMARY KEY (key, digest, path)
) WITHOUT ROWID;
PRAGMA user_version = 2;
"""
VERSION = 2
"""Version 1 did not know from which files a result was made."""
BUSY_SECONDS = 120.0
CHUNK = 30_000


class Output(msgspec.Struct, frozen=True):
    """One file that a stage made."""

    digest: Digest
    nbytes: int


class Result(msgspec.Struct, frozen=True):
    """What a node made. ``facts`` is small and JSON: a check's verdicts, a prompt's text."""

    key: Key
    stage: str
    outputs: dict[str, Output]
    facts: dict[str, object]
    seconds: float
    peak_bytes: int


_DECODER = msgspec.msgpack.Decoder(Result)
_ENCODER = msgspec.msgpack.Encoder()


class Index:
    """One SQLite file; safe under many processes and kill -9 (a rollback journal, full sync)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with _map_errors(path):
            self._db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA secure_delete = ON")
            if self._db.execute("PRAGMA user_version").fetchone()[0] < VERSION:
                self._make_tables()
        self.sources = Sources(self._db, self._transaction)

    def _make_tables(self) -> None:
        """Those that are missing; a store of an earlier version that cannot be written is read as
        it is."""
        try:
            self._db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")
        except sqlite3.OperationalError as exc:
            if "readonly" not in str(exc):
                raise

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def put(self, results: Iterable[Result], sources: Iterable[SourceRow] = ()) -> None:
        """Record results, and from which files they were made: all of it or nothing."""
        rows = []
        for result in results:
            body = _ENCODER.encode(result)
            rows.append((result.key, body, _checksum(body), time.time()))
        with self._transaction():
            self._db.executemany("INSERT OR IGNORE INTO sources VALUES (?, ?, ?)", sources)
            self._db.executemany("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)", rows)

    def get(self, key: Key) -> Result | None:
        """The result of a key, or None."""
        return self.get_many([key]).get(key)

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Result]:
        """The results there are of these keys; damaged rows are left out."""
        found: dict[Key, Result] = {}
        for key, body, total in self._select(list(keys), "key, body, sum"):
            if (result := _read_row(key, body, total)) is not None:
                found[key] = result
        return found

    def _select(self, keys: list[Key], columns: str) -> Iterator[tuple[Any, ...]]:
        with _map_errors(self.path):
            for start in range(0, len(keys), CHUNK):
                part = keys[start : start + CHUNK]
                marks = ",".join("?" * len(part))
                yield from self._db.execute(
                    f"SELECT {columns} FROM results WHERE key IN ({marks})", part
                )

    def all(self) -> Iterator[tuple[Result | None, Key, float]]:
        """Every row: its result (None where damaged), key, and Unix time of making."""
        with _map_errors(self.path):
            rows = self._db.execute("SELECT key, body, sum, made_at FROM results").fetchall()
        for key, body, total, made_at in rows:
            yield _read_row(key, body, total), key, made_at

    def drop(self, keys: Iterable[Key]) -> None:
        """Forget results."""
        with self._transaction():
            self._db.executemany("DELETE FROM results WHERE key = ?", [(key,) for key in keys])

    def recall_files(self, paths: Iterable[Path]) -> dict[Path, tuple[Stamp, Digest]]:
        """Remembered stamps and digests of files."""
        names = [str(path) for path in paths]
        found: dict[Path, tuple[Stamp, Digest]] = {}
        with _map_errors(self.path):
            for start in range(0, len(names), CHUNK):
                part = names[start : start + CHUNK]
                marks = ",".join("?" * len(part))
                for name, stamp, digest in self._db.execute(
                    f"SELECT path, stamp, digest FROM files WHERE path IN ({marks})", part
                ):
                    inode, size, mtime, ctime = map(int, stamp.split())
                    found[Path(name)] = ((inode, size, mtime, ctime), Digest(digest))
        return found

    def remember_files(self, files: Iterable[tuple[Path, Stamp, Digest]]) -> None:
        """Remember digests, each valid as long as its file keeps its stamp."""
        rows = [(str(path), " ".join(map(str, stamp)), digest) for path, stamp, digest in files]
        if rows:
            with self._transaction():
                self._db.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", rows)

    def forget_files(self, paths: Iterable[str]) -> None:
        """Forget digests of files."""
        with self._transaction():
            self._db.executemany("DELETE FROM files WHERE path = ?", [(path,) for path in paths])

    def shrink(self) -> None:
        """Rewrite the file, so that nothing deleted is left in it."""
        with _map_errors(self.path):
            self._db.execute("PRAGMA temp_store = MEMORY")
            self._db.execute("VACUUM")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _map_errors(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise


def _checksum(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=16).digest()


def _read_row(key: Key, body: bytes, total: bytes) -> Result | None:
    """The result of a row; None where the row is damaged, or was written by another Rushes."""
    try:
        result = _DECODER.decode(body) if _checksum(body) == total else None
    except (TypeError, msgspec.MsgspecError):
        return None
    return result if result is not None and result.key == key else None


@contextmanager
def _map_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as exc:
        if "full" in str(exc):
            raise StoreFull(
                "no space left on the disk while recording a result",
                where=str(path),
                hint="free some space (rushes cache gc), then run the same command again",
            ) from exc
        raise StoreError(f"the store's index cannot be used: {exc}", where=str(path)) from exc
    except sqlite3.DatabaseError as exc:
        raise StoreError(
            f"the store's index is damaged: {exc}",
            where=str(path),
            hint="remove that file; what it listed will be made again",
        ) from exc
