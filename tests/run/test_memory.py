"""Memory at run time: limits that refuse, predictions that are kept, a second try."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rushes.ledger import Ledger, NodeRow
from tests.run.projects import run_rushes, write_project

ONE = """
[project]
name = "one"
[shots.one]
prompt = "a red ball bounces on a grey background"
steps = 2
checks = []
"""
SPOIL = """
import os, pathlib, sys
if "rushes.run.worker" in " ".join(sys.orig_argv):
    import rushes.models.ltx2 as ltx2
    denoise = ltx2.LoadedLTX2.denoise
    left = pathlib.Path(os.environ["RUNS_OUT"])
    def run_out(self, *args):
        times = int(left.read_text())
        if times:
            left.write_text(str(times - 1))
            raise MemoryError
        return denoise(self, *args)
    ltx2.LoadedLTX2.denoise = run_out
"""


def rows_of(folder: Path) -> list[NodeRow]:
    ledger = Ledger(folder / ".rushes" / "ledger.sqlite")
    return sorted(ledger.nodes(), key=lambda row: row.started_at)


def make_spoilt(folder: Path, times: int) -> tuple[int, dict[str, object], list[NodeRow]]:
    """Build with a denoise that runs out of memory so many times."""
    import os

    write_project(folder, ONE)
    (folder / "sitecustomize.py").write_text(SPOIL)
    (folder / "times").write_text(str(times))
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    env = {"PYTHONPATH": path, "RUNS_OUT": str(folder / "times")}
    done = run_rushes(folder, "make", "--json", env=env)
    assert "Traceback" not in done.stdout
    return done.returncode, json.loads(done.stdout), rows_of(folder)


def test_out_of_memory_is_tried_once_with_a_smaller_placement(tmp_path: Path) -> None:
    code, document, rows = make_spoilt(tmp_path / "project", 1)
    assert code == 0, document
    failed, ran = [row for row in rows if row.stage == "denoise"]
    assert failed.error == "OutOfMemory: denoise ran out of memory; tried again with parts"
    assert failed.placement == "resident"
    assert (ran.placement, ran.error) == ("parts", None)
    assert failed.predicted_peak_bytes is not None
    assert ran.predicted_peak_bytes is not None
    assert ran.predicted_peak_bytes < failed.predicted_peak_bytes


def test_out_of_memory_twice_is_a_typed_failure(tmp_path: Path) -> None:
    code, document, rows = make_spoilt(tmp_path / "project", 5)
    assert code == 4
    (shot,) = document["shots"]  # type: ignore[misc]
    assert shot["error"]["type"] == "OutOfMemory"
    assert "plan --explain" in shot["error"]["hint"]
    assert [row.placement for row in rows if row.stage == "denoise"] == ["resident", "parts"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("memory"), ONE)


def test_a_limit_that_nothing_fits_is_refused_before_anything_runs(project: Path) -> None:
    done = run_rushes(project, "make", "--vram", "900MB", "--json")
    assert done.returncode == 3
    error = json.loads(done.stdout)["error"]
    assert error["type"] == "MemoryRefused"
    assert error["where"] == "rushes.toml:shots.one"
    assert "--vram 0.9GB" in error["message"]
    assert not list((project / ".rushes").rglob("results*/*"))


def test_the_ledger_keeps_what_was_predicted_and_what_was_measured(project: Path) -> None:
    done = run_rushes(project, "make", "--vram", "2GB", "--json")
    assert done.returncode == 0, done.stderr
    rows = {row.stage: row for row in rows_of(project)}
    for stage in ("encode_text", "denoise", "decode_video", "decode_audio"):
        row = rows[stage]
        assert row.placement == "resident"
        assert row.predicted_peak_bytes is not None
        assert row.peak_bytes > 0
    assert rows["export"].placement == ""
