"""The check prompt in real builds, with a reader whose weights are not trained."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rushes.cli.main import main
from rushes.lock import read_lock
from tests.readers import untrained
from tests.readers.checkpoints import write_checkpoint
from tests.run.projects import ran, write_project

pytest.importorskip("torch")
PROJECT = """
[project]
name = "small"
seed = 7
[defaults]
steps = 2
[shots.one]
prompt = "a red ball bounces on a grey background"
checks = ["prompt"]
attempts = 2
"""
Call = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def spotter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("build") / "spotter")


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, spotter: Path, capsys: pytest.CaptureFixture[str]
) -> Call:
    untrained.install(monkeypatch, spotter)

    def call(*args: str | Path) -> tuple[int, Any]:
        capsys.readouterr()
        code = main([*map(str, args), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return call


@pytest.fixture(scope="module")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("asking") / "project"


@pytest.fixture
def built(built_once: Path, call: Call, tmp_path: Path) -> Path:
    if not built_once.exists():
        code, document = call("make", "-C", write_project(built_once, PROJECT))
        assert code == 1, document
    return Path(shutil.copytree(built_once, tmp_path / "project"))


def test_a_take_that_the_reader_does_not_believe_is_made_again(built: Path, call: Call) -> None:
    code, document = call("make", "-C", built)
    (shot,) = document["shots"]
    assert code == 1
    assert ran(document) == set()
    assert (shot["status"], shot["attempts"]) == ("failed", 2)
    assert [stage["stage"] for stage in shot["stages"]][-3:] == ["export", "ask", "check"]
    (check,) = shot["checks"]
    assert set(check) >= {"check", "passed", "score", "threshold", "spans"}
    assert (check["check"], check["passed"], check["threshold"]) == ("prompt", False, 1.0)
    assert "is there a red ball?" in check["evidence"]["failed"]
    assert (built / shot["path"]).is_file()


def test_the_reader_is_pinned_named_and_held_to_its_files(
    built: Path, call: Call, spotter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = read_lock(built).models["spotter"]
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(locked.files)
    assert locked.dtype == "float32"
    manifest = json.loads((built / "out" / "manifest.json").read_text())
    assert [model["name"] for model in manifest["models"]] == ["sprite", "spotter"]
    other = Path(shutil.copytree(spotter, tmp_path / "spotter"))
    (other / "generation_config.json").write_text("{}")
    monkeypatch.setenv(untrained.VARIABLE, str(other))
    code, document = call("make", "-C", built)
    assert code == 3
    assert "weights of spotter" in document["error"]["message"]


def test_plan_graph_and_why_show_the_stage(built: Path, call: Call) -> None:
    (built / "rushes.toml").write_text(PROJECT.replace("a red ball", "a blue ball"))
    code, plan = call("plan", "-C", built)
    assert code == 0
    (row,) = (row for row in plan["stages"] if row["stage"] == "ask")
    assert row["key"]
    assert not row["cached"]
    assert [s["loads"] for s in plan["order"] if s["stage"] == "ask"] == [["spotter"]]
    assert "ask" in json.dumps(call("graph", "-C", built)[1])
    why = call("why", "one:ask", "-C", built)[1]["stages"][0]["text"]
    assert "is there a blue ball?" in why


def test_the_check_of_a_shot_asks_and_that_of_a_file_cannot(built: Path, call: Call) -> None:
    code, document = call("check", "one", "--checks", "prompt", "-C", built)
    assert code == 1
    assert document["checks"][0]["evidence"]["statements"] == 3
    code, document = call("check", "out/one.mp4", "--checks", "prompt", "-C", built)
    assert code == 2
    assert "needs a shot" in document["error"]["message"]
    assert call("ask", "one", "what happens?", "-C", built)[0] == 0
