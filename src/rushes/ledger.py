"""The ledger: what ran, when, how long, at what cost, and for whom. Rows are only ever added, but
for those that tell of a file whose traces are erased.

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
    placement TEXT NOT NULL DEFAULT '', device TEXT NOT NULL DEFAULT '',
    version TEXT NOT NULL DEFAULT '', token_passes INTEGER, tokens_in INTEGER NOT NULL DEFAULT 0,
    tokens_out INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS hits (
    run TEXT NOT NULL, stage TEXT NOT NULL, model TEXT, device TEXT NOT NULL,
    nodes INTEGER NOT NULL, seconds REAL NOT NULL
);
PRAGMA user_version = 5;
"""
VERSION = 5
ADD_COLUMN = "ALTER TABLE nodes ADD COLUMN {} {};"
TEXT = "TEXT NOT NULL DEFAULT ''"
COUNT = "INTEGER NOT NULL DEFAULT 0"
LATER_COLUMNS = {
    "placement": TEXT, "device": TEXT, "version": TEXT, "token_passes": "INTEGER",
    "tokens_in": COUNT, "tokens_out": COUNT, "reason": TEXT,
}  # fmt: skip
"""Earlier versions did not know how models lay, on what, what stood behind a stage, how much work a
denoise was, nor tokens."""
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


USES = """
SELECT run, MIN(nodes.started_at), COALESCE(project, ''), COALESCE(command, ''),
    COALESCE(asked_by, ''), shot, model, COUNT(*), SUM(seconds), GROUP_CONCAT(DISTINCT version)
FROM nodes LEFT JOIN begun ON begun.id = run
WHERE (model = ? OR model GLOB ?) AND error IS NULL
GROUP BY run, shot, model ORDER BY MIN(nodes.started_at) DESC, shot
"""
CHUNK = 30_000
"""Keys of one question: SQLite takes 32,766 values."""


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
    ``placement`` how the model's parts lay, "" where none was needed; ``device`` what it ran on, ""
    off the device lane; ``version`` a digest of what stands behind the stage: its own version,
    weights, numerics and toolchain, "" where that was not recorded; ``token_passes`` tokens times
    passes of the transformer, None for what is no denoise; ``tokens_in``, ``tokens_out`` of
    answers; ``reason`` for which a paid model did it, "" for an open one."""

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
    device: str = ""
    version: str = ""
    token_passes: int | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    reason: str = ""


class HitRow(msgspec.Struct, frozen=True):
    """Nodes of a run that were stored already, by stage, model and device; ``seconds`` is what they
    took when they were computed."""

    run: str
    stage: str
    model: str | None
    device: str
    nodes: int
    seconds: float


class UseRow(msgspec.Struct, frozen=True):
    """What a run computed of a shot with a model. ``versions``: of what stood behind its stages,
    comma-separated."""

    run: str
    started_at: float
    project: str
    command: str
    asked_by: str
    shot: str
    model: str
    nodes: int
    seconds: float
    versions: str


class Ledger:
    """One SQLite file beside the store's index."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._map_errors():
            self._db = sqlite3.connect(path, timeout=120.0, isolation_level=None)
            self._db.execute("PRAGMA secure_delete = ON")
            if self._read_version() < VERSION:
                self._upgrade()

    def _read_version(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def _upgrade(self) -> None:
        """Make the tables, or those of an earlier version fit; once, whoever else tries to."""
        self._db.execute("BEGIN IMMEDIATE")
        version = self._read_version()
        if version < VERSION:
            known = self._db.execute("SELECT name FROM pragma_table_info('nodes')").fetchall()
            later = [pair for pair in LATER_COLUMNS.items() if known and (pair[0],) not in known]
            script = SCHEMA + "".join(ADD_COLUMN.format(*pair) for pair in later)
            script += TAKE_OVER if version == 1 else ""
            for statement in filter(str.strip, script.split(";")):
                self._db.execute(statement)
        self._db.execute("COMMIT")

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

    def add_hits(self, rows: Iterable[HitRow]) -> None:
        """Add what a run found stored."""
        self._insert("hits", list(rows))

    def hits(self) -> list[HitRow]:
        """What all runs found stored."""
        with self._map_errors():
            return [HitRow(*row) for row in self._db.execute("SELECT * FROM hits").fetchall()]

    def devices(self, keys: Iterable[str]) -> dict[str, str]:
        """What the nodes of these keys ran on when they were last computed."""
        found: dict[str, str] = {}
        wanted = list(keys)
        with self._map_errors():
            for start in range(0, len(wanted), CHUNK):
                chunk = wanted[start : start + CHUNK]
                marks = ", ".join("?" * len(chunk))
                found |= self._db.execute(
                    f"SELECT key, device FROM nodes WHERE key IN ({marks}) AND error IS NULL "
                    "ORDER BY started_at",
                    chunk,
                ).fetchall()
        return found

    def _insert(self, table: str, rows: Sequence[msgspec.Struct]) -> None:
        if not rows:
            return
        columns = rows[0].__struct_fields__
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        values = [msgspec.structs.astuple(row) for row in rows]
        with self._map_errors():
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)
            self._db.execute("COMMIT")

    def erase_nodes(
        self,
        keys: Iterable[str],
        names: Iterable[str] = (),
        before: tuple[float, Sequence[str]] = (0.0, ()),
    ) -> int:
        """Erase rows, and rewrite the file so that nothing of them is left in it.

        Args:
            keys: of nodes.
            names: what they ran for, in the place of a shot.
            before: a Unix time, and stages of which everything older goes.

        Returns:
            How many rows went.
        """
        time_, stages = before
        wanted: list[tuple[str, tuple[object, ...]]] = [("key = ?", (key,)) for key in keys]
        wanted += [("shot = ?", (name,)) for name in names]
        wanted += [("stage = ? AND started_at <= ?", (stage, time_)) for stage in stages]
        erased = 0
        with self._map_errors():
            self._db.execute("BEGIN IMMEDIATE")
            for where, values in wanted:
                erased += self._db.execute(f"DELETE FROM nodes WHERE {where}", values).rowcount
            self._db.execute("COMMIT")
            if erased:
                self._db.execute("PRAGMA temp_store = MEMORY")
                self._db.execute("VACUUM")
        return erased

    def runs(self, limit: int = 20) -> list[RunRow]:
        """The latest runs, newest first."""
        with self._map_errors():
            rows = self._db.execute(RUNS, [limit]).fetchall()
        return [RunRow(*row) for row in rows]

    def nodes(self, run: str | None = None, limit: int = 1000) -> list[NodeRow]:
        """Nodes of a run, or the latest of all, newest first."""
        names = ", ".join(NodeRow.__struct_fields__)
        where, values = ("WHERE run = ?", [run]) if run else ("", [])
        with self._map_errors():
            rows = self._db.execute(
                f"SELECT {names} FROM nodes {where} ORDER BY started_at DESC LIMIT ?",
                [*values, limit],
            ).fetchall()
        nodes = [NodeRow(*row) for row in rows]
        return [
            node if node.passed is None else msgspec.structs.replace(node, passed=bool(node.passed))
            for node in nodes
        ]

    def uses(self, model: str) -> list[UseRow]:
        """Where a model was used: each shot of each run that it computed something of, newest
        first; all numerics that it was run with count as the model."""
        with self._map_errors():
            rows = self._db.execute(USES, [model, f"{model}@*"]).fetchall()
        return [UseRow(*row) for row in rows]

    def models(self) -> list[str]:
        """Every model that a node was computed with."""
        with self._map_errors():
            rows = self._db.execute("SELECT DISTINCT model FROM nodes WHERE model IS NOT NULL")
            return sorted({str(row[0]).partition("@")[0] for row in rows})

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
