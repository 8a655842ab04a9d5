"""The ledger: rows are added and read back, by any number of processes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from rushes.errors import StoreError
from rushes.ledger import HitRow, Ledger, NodeRow, RunEnd, RunRow, RunStart, describe_machine
from tests.store.tools import python

START = RunStart("r1", 1.0, "p", "make", "me", "0.1.0", "Linux")
END = RunEnd("r1", 2.0, 3, 4, 0.5, 1)
NODE = NodeRow(
    run="r1", key="k", stage="check", model=None, shot="one", attempt=0, seed=7, started_at=1.0,
    seconds=2.0, predicted_peak_bytes=None, peak_bytes=3, usd=0.0, resumed_step=None, loads="{}",
    passed=True, error=None,
)  # fmt: skip


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite")


@pytest.mark.parametrize("passed", [None, True, False])
def test_rows_come_back_as_they_were(passed: bool | None, ledger: Ledger) -> None:
    node = msgspec.structs.replace(NODE, passed=passed)
    ledger.add_nodes([node])
    ledger.begin_run(START)
    ledger.end_run(END)
    assert ledger.runs() == [
        RunRow("r1", 1.0, 2.0, "p", "make", "me", "0.1.0", "Linux", 3, 4, 0.5, 1)
    ]
    (found,) = ledger.nodes("r1")
    assert found == node
    assert type(found.passed) is type(passed)
    assert ledger.nodes("r2") == []


def test_newest_first_and_no_more_than_asked(ledger: Ledger) -> None:
    for n in range(5):
        ledger.begin_run(msgspec.structs.replace(START, id=f"r{n}", started_at=float(n)))
    assert [row.id for row in ledger.runs(limit=2)] == ["r4", "r3"]


def test_a_ledger_of_version_1_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    columns = "id, started_at, seconds, project, command, asked_by, rushes, machine, hits, ran, usd"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(f"CREATE TABLE runs ({columns}, exit_code); PRAGMA user_version = 1;")
        row = ("r1", 1.0, 2.0, "p", "make", "me", "0.1.0", "Linux", 3, 4, 0.5, 1)
        db.execute(f"INSERT INTO runs VALUES ({', '.join('?' * 12)})", row)
        db.commit()
    assert Ledger(path).runs() == Ledger(path).runs() == [RunRow(*row)]


def test_a_ledger_of_version_2_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    Ledger(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.executescript("ALTER TABLE nodes DROP COLUMN placement; PRAGMA user_version = 2;")
    ledger = Ledger(path)
    ledger.add_nodes([msgspec.structs.replace(NODE, placement="parts")])
    assert [row.placement for row in Ledger(path).nodes()] == ["parts"]


def test_where_a_model_was_used(ledger: Ledger) -> None:
    ledger.begin_run(START)
    rows = [
        msgspec.structs.replace(NODE, model="sprite", key="a", shot="one"),
        msgspec.structs.replace(NODE, model="sprite", key="b", shot="one", seconds=2.0),
        msgspec.structs.replace(NODE, model="sprite@bfloat16", key="c", shot="two"),
        msgspec.structs.replace(NODE, model="sprite-2", key="d", shot="three"),
        msgspec.structs.replace(NODE, model="sprite", key="e", shot="four", error="x"),
    ]
    ledger.add_nodes([msgspec.structs.replace(row, run=START.id) for row in rows])
    uses = ledger.uses("sprite")
    assert {(use.shot, use.nodes) for use in uses} == {("one", 2), ("two", 1)}
    assert {use.project for use in uses} == {START.project}
    assert ledger.models() == ["sprite", "sprite-2"]


def test_a_run_without_an_end_counts_what_it_did(ledger: Ledger) -> None:
    ledger.begin_run(START)
    ledger.add_nodes([NODE, msgspec.structs.replace(NODE, error="x", usd=0.25)])
    (row,) = ledger.runs()
    assert (row.seconds, row.hits, row.exit_code) == (None, None, None)
    assert (row.ran, row.usd) == (1, 0.25)


def test_typical_leaves_failures_out(ledger: Ledger) -> None:
    change = msgspec.structs.replace
    ledger.add_nodes([
        change(NODE, stage="denoise", model="sprite", seconds=2.0, peak_bytes=5),
        change(NODE, stage="denoise", model="sprite", seconds=4.0, peak_bytes=3),
        change(NODE, stage="denoise", model="sprite", seconds=99.0, peak_bytes=99, error="x"),
        NODE,
    ])  # fmt: skip
    assert ledger.typical() == {("denoise", "sprite"): (3.0, 5), ("check", None): (2.0, 3)}


WRITER = """
import sys, pathlib, msgspec
from rushes.ledger import Ledger, NodeRow
rows = msgspec.json.decode(sys.argv[2], type=list[NodeRow])
ledger = Ledger(pathlib.Path(sys.argv[1]))
for _ in range(40):
    ledger.add_nodes(rows)
"""


def test_two_processes_begin_and_write_at_once(tmp_path: Path) -> None:
    path, rows = tmp_path / "ledger.sqlite", msgspec.json.encode([NODE] * 3).decode()
    with python(WRITER, path, rows) as one, python(WRITER, path, rows) as two:
        assert one.wait(60) == two.wait(60) == 0
    assert len(Ledger(path).nodes()) == 240


def test_a_damaged_ledger_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"no database" * 500)
    with pytest.raises(StoreError, match="ledger") as caught:
        Ledger(path)
    assert caught.value.exit_code == 4
    assert caught.value.where == str(path)


def test_the_machine_is_named_without_its_host() -> None:
    import platform

    assert platform.system() in describe_machine()
    assert not platform.node() or platform.node() not in describe_machine()


def test_a_ledger_of_version_3_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    Ledger(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.executescript(
            "ALTER TABLE nodes DROP COLUMN device; ALTER TABLE nodes DROP COLUMN version;"
            "DROP TABLE hits; PRAGMA user_version = 3;"
        )
    ledger = Ledger(path)
    row = msgspec.structs.replace(NODE, device="cuda:0", version="v")
    ledger.add_nodes([row])
    assert Ledger(path).nodes() == [row]
    assert Ledger(path).hits() == []


def test_a_ledger_of_version_4_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger(path)
    ledger.add_nodes([NODE])
    ledger.close()
    with closing(sqlite3.connect(path)) as db:
        for column in ("token_passes", "tokens_in", "tokens_out", "reason"):
            db.execute(f"ALTER TABLE nodes DROP COLUMN {column}")
        db.execute("PRAGMA user_version = 4")
        db.commit()
    assert Ledger(path).nodes() == [NODE]
    row = msgspec.structs.replace(
        NODE, started_at=9.0, token_passes=5, tokens_in=7, tokens_out=3, reason="qa"
    )
    Ledger(path).add_nodes([row])
    assert Ledger(path).nodes() == [row, NODE]


def test_hits_and_the_devices_of_keys(ledger: Ledger) -> None:
    change = msgspec.structs.replace
    ledger.add_nodes([
        change(NODE, key="a", device="cpu", started_at=1.0),
        change(NODE, key="a", device="cuda:0", started_at=2.0),
        change(NODE, key="b", device="cuda:0", error="x"),
    ])  # fmt: skip
    assert ledger.devices(["a", "b", "c"]) == {"a": "cuda:0"}
    assert ledger.devices(map(str, range(70_000))) == {}
    hit = HitRow("r1", "denoise", "sprite", "cuda:0", 3, 12.5)
    ledger.add_hits([hit])
    assert ledger.hits() == [hit]


def test_two_processes_take_an_old_ledger_over_at_once(tmp_path: Path) -> None:
    path, rows = tmp_path / "ledger.sqlite", msgspec.json.encode([NODE]).decode()
    Ledger(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.executescript("ALTER TABLE nodes DROP COLUMN device; PRAGMA user_version = 3;")
    with python(WRITER, path, rows) as one, python(WRITER, path, rows) as two:
        assert one.wait(60) == two.wait(60) == 0
    assert len(Ledger(path).nodes()) == 80
