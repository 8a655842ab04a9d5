"""rushes log, as lists and added up."""

from __future__ import annotations

from pathlib import Path

import pytest

from rushes.ledger import HitRow, Ledger, RunEnd, RunStart
from tests.cli.conftest import Run
from tests.route.test_account import make_node


@pytest.fixture
def built(project: Path) -> Path:
    store = project / ".rushes"
    store.mkdir()
    ledger = Ledger(store / "ledger.sqlite")
    ledger.begin_run(RunStart("r1", 1_764_000_000.0, "p", "make", "me", "0", "m"))
    ledger.add_nodes([make_node("r1", model="sprite", seconds=5400.0)])
    ledger.add_hits([HitRow("r1", "denoise", "sprite", "cuda:0", 2, 7200.0)])
    ledger.end_run(RunEnd("r1", 5401.0, 2, 1, 0.0, 0))
    ledger.close()
    return project


@pytest.mark.parametrize("by", ["model", "project", "day", "key"])
def test_by(by: str, built: Path, run: Run) -> None:
    document = run("log", "--by", by, "-C", built, "--json").json
    assert set(document) == {"by", "rows", "totals", "month", "blend", "regressions"}
    assert document["totals"]["seconds"] == document["totals"]["gpu_seconds"] == 5400
    assert document["totals"]["saved_gpu_seconds"] == 7200
    assert document["rows"][0]["open_share"] == 1
    text = run("log", "--by", by, "-C", built)
    assert text.code == 0
    assert "1.5 h" in text.out
    assert "open models did 100% of 1 takes" in text.out
    head, line = run("log", "--by", by, "-C", built, "--csv").out.splitlines()
    assert head.startswith("name,runs,nodes,seconds,gpu_seconds,usd")
    assert "5400.0" in line


def test_lists_as_before_and_as_csv(built: Path, run: Run) -> None:
    (row,) = run("log", "-C", built, "--json").json["runs"]
    assert (row["id"], row["hits"], row["ran"]) == ("r1", 2, 1)
    (node,) = run("log", "r1", "-C", built, "--json").json["nodes"]
    assert (node["stage"], node["device"]) == ("denoise", "cuda:0")
    assert run("log", "-C", built, "--csv").out.startswith("id,started_at,")
    assert run("log", "r1", "-C", built, "--csv").out.startswith("run,key,stage,")


def test_nothing_yet(project: Path, run: Run) -> None:
    assert run("log", "--by", "model", "-C", project).out == "nothing was built here yet\n"
    assert run("log", "--by", "model", "-C", project, "--json").json["rows"] == []


@pytest.mark.parametrize("args", [("--csv", "--json"), ("r1", "--by", "day"), ("--by", "hour")])
def test_what_does_not_go_together(args: tuple[str, ...], project: Path, run: Run) -> None:
    assert run("log", *args, "-C", project).code == 2
