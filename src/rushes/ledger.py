"""The ledger: what ran, when, how long, at what cost, and for whom. Rows are only ever added.

A run is added when it begins and its end when it ends; a node is added as soon as it has run. So
what a killed run computed is in the ledger too. Hits are counted, not listed.
"""

from __future__ import annotations

import getpass
import platform
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from rushes.errors import StoreError, StoreFull

SCHEMA = """
CREATE TABLE IF NOT EXISTS begun (
    id TEXT PRIMARY KEY, started_at REAL NOT NULL, project TEXT NOT NULL, command TEXT NOT NULL,
    asked_by TEXT NOT NULL, rushes TEXT NOT NULL, machine TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS ended (
    id TEXT PRIMARY KEY, seconds REAL NOT NULL, hits INTEGER NOT NULL, ran INTEGER NOT NULL,
    usd REAL NOT NULL, exit_code INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS nodes (
    run TEXT NOT NULL, key TEXT NOT NULL, stage TEXT NOT NULL, model TEXT, shot TEXT NOT NULL,
    attempt INTEGER NOT NULL, seed INTEGER, started_at REAL NOT NULL, seconds REAL NOT NULL,
    predicted_peak_bytes INTEGER, peak_bytes INTEGER NOT NULL, usd REAL NOT NULL,
    resumed_step INTEGER, loads TEXT NOT NULL, passed INTEGER, error TEXT,
    placement TEXT NOT NULL DEFAULT ''
);
PRAGMA user_version = 3;
"""
ADD_PLACEMENT = """
ALTER TABLE nodes ADD COLUMN placement TEXT NOT NULL DEFAULT '';
"""
"""From earlier versions, which did not know how models lay on the device."""
TAKE_OVER = """
INSERT INTO begun SELECT id, started_at, project, command, asked_by, rushes, machine FROM runs;
INSERT INTO ended SELECT id, seconds, hits, ran, usd, exit_code FROM runs;
DROP TABLE runs;
"""
"""From version 1, which entered a run when it had ended."""
RUNS = """
SELECT id, started_at, seconds, project, command, asked_by, rushes, machine, hits,
    COALESCE(ran, (SELECT COUNT(*) FROM nodes WHERE run = id AND error IS NULL)),
    COALESCE(usd, (SELECT TOTAL(usd) FROM nodes WHERE run = id)), exit_code
FROM begun LEFT JOIN ended USING (id) ORDER BY started_at DESC LIMIT ?
"""


class RunStart(msgspec.Struct, frozen=True):
    """One command that builds something, or finds nothing to do."""

    id: str
    started_at: float
    project: str
    command: str
    asked_by: str
    rushes: str
    machine: str


class RunEnd(msgspec.Struct, frozen=True):
    """How a run ended."""

    id: str
    seconds: float
    hits: int
    ran: int
    usd: float
    exit_code: int


class RunRow(msgspec.Struct, frozen=True):
    """A run as it is read back. One that is running, or was killed, has no seconds, hits and exit
    code; ``ran`` and ``usd`` then count the nodes so far."""

    id: str
    started_at: float
    seconds: float | None
    project: str
    command: str
    asked_by: str
    rushes: str
    machine: str
    hits: int | None
    ran: int
    usd: float
    exit_code: int | None


class NodeRow(msgspec.Struct, frozen=True):
    """One node that ran. ``passed`` is a check's verdict; ``loads`` seconds by part, as JSON;
    ``placement`` how the model's parts lay, "" where none was needed."""

    run: str
    key: str
    stage: str
    model: str | None
    shot: str
    attempt: int
    seed: int | None
    started_at: float
    seconds: float
    predicted_peak_bytes: int | None
    peak_bytes: int
    usd: float
    resumed_step: int | None
    loads: str
    passed: bool | None
    error: str | None
    placement: str = ""


class Ledger:
    """One SQLite file beside the store's index."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._map_errors():
            self._db = sqlite3.connect(path, timeout=120.0, isolation_level=None)
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version < 3:
                known = self._db.execute("SELECT name FROM pragma_table_info('nodes')").fetchall()
                old = ADD_PLACEMENT if known and ("placement",) not in known else ""
                old += TAKE_OVER if version == 1 else ""
                self._db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} {old} COMMIT;")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def begin_run(self, row: RunStart) -> None:
        """Add a run that begins."""
        self._insert("begun", [row])

    def end_run(self, row: RunEnd) -> None:
        """Add the end of a run."""
        self._insert("ended", [row])

    def add_nodes(self, rows: Iterable[NodeRow]) -> None:
        """Add nodes that ran."""
        self._insert("nodes", list(rows))

    def _insert(self, table: str, rows: Sequence[msgspec.Struct]) -> None:
        if not rows:
            return
        marks = ", ".join("?" * len(rows[0].__struct_fields__))
        values = [msgspec.structs.astuple(row) for row in rows]
        with self._map_errors():
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(f"INSERT INTO {table} VALUES ({marks})", values)
            self._db.execute("COMMIT")

    def runs(self, limit: int = 20) -> list[RunRow]:
        """The latest runs, newest first."""
        with self._map_errors():
            rows = self._db.execute(RUNS, [limit]).fetchall()
        return [RunRow(*row) for row in rows]

    def nodes(self, run: str | None = None, limit: int = 1000) -> list[NodeRow]:
        """Nodes of a run, or the latest of all, newest first."""
        where, values = ("WHERE run = ?", [run]) if run else ("", [])
        with self._map_errors():
            rows = self._db.execute(
                f"SELECT * FROM nodes {where} ORDER BY started_at DESC LIMIT ?", [*values, limit]
            ).fetchall()
        nodes = [NodeRow(*row) for row in rows]
        return [
            node if node.passed is None else msgspec.structs.replace(node, passed=bool(node.passed))
            for node in nodes
        ]

    def typical(self) -> dict[tuple[str, str | None], tuple[float, int]]:
        """Mean seconds and largest peak of each (stage, model) over its finished nodes."""
        with self._map_errors():
            rows = self._db.execute(
                "SELECT stage, model, AVG(seconds), MAX(peak_bytes) FROM nodes "
                "WHERE error IS NULL GROUP BY stage, model"
            ).fetchall()
        return {(stage, model): (seconds, peak) for stage, model, seconds, peak in rows}

    @contextmanager
    def _map_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as exc:
            if "full" in str(exc):
                raise StoreFull(
                    "no space left on the disk while writing the ledger",
                    where=str(self.path),
                    hint="free some space (rushes cache gc), then run the same command again",
                ) from exc
            raise StoreError(f"the ledger cannot be used: {exc}", where=str(self.path)) from exc


def describe_machine() -> str:
    """System, processor type and Python, in a few words; no names of hosts."""
    return f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"


def describe_user() -> str:
    """Who asked: the login name, or its number where it has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
