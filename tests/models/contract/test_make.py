"""Tiny checkpoints through the command line, under the names of catalogue entries."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rushes.cli.main import main
from rushes.media import read_frames
from rushes.run.machine import describe_cpu
from tests.media_files import write_picture
from tests.models.contract import hunyuan
from tests.models.contract.kit import Tiny
from tests.models.contract.wan import WANS
from tests.run.projects import make, ran, run_rushes, sums, write_project
from tests.run.test_faults import kill_group, start, wait_for

BY_NAME = {tiny.name: tiny for tiny in WANS}
SHAPE = 'size = "256x256"\nframes = 5\nchecks = ["container"]'


def write_tiny(folder: Path, tiny: Tiny, like: str, text: str, shape: str = SHAPE) -> Path:
    """A project whose model is ``tiny``: weights of its own, as ``like`` of the catalogue."""
    tiny.build(folder / "weights")
    head = '[project]\nname = "tiny"\nmodel = "own"\ncheckpoint_seconds = 0.05\n'
    own = f'[models.own]\nlike = "{like}"\npath = "weights"\n'
    return write_project(folder, f"{head}{own}[defaults]\n{shape}\n{text}")


@pytest.mark.slow
def test_weights_of_ones_own_are_built_killed_and_resumed(tmp_path: Path) -> None:
    text = 'steps = 24\n[shots.one]\nprompt = "a red ball"\n'
    folders = [tmp_path / name for name in ("whole", "killed")]
    for folder in folders:
        write_tiny(folder, BY_NAME["wan-2.1"], "wan-2.1-1.3b", text)
    want = sums(folders[0], make(folders[0]))
    process = start(folders[1])
    wait_for(folders[1], "checkpoints/*[0-9a-f]", process)
    kill_group(process)
    document = make(folders[1])
    assert sums(folders[1], document) == want
    log = json.loads(run_rushes(folders[1], "log", document["run"], "--json").stdout)
    resumed = [node["resumed_step"] for node in log["nodes"] if node["stage"] == "denoise"]
    assert resumed[0] is not None
    assert resumed[0] > 0
    assert ran(make(folders[1])) == set()


@pytest.mark.slow
def test_a_shot_is_made_from_the_frames_of_another(tmp_path: Path) -> None:
    text = (
        'steps = 2\n[shots.one]\nprompt = "a red ball"\n'
        '[shots.two]\nprompt = "a blue ball"\nvideo = "one"\n'
    )
    folder = write_tiny(tmp_path, BY_NAME["wan-2.1-vace"], "wan-2.1-vace-1.3b", text)
    document = make(folder)
    one, two = sums(folder, document).values()
    assert one != two
    assert ("one", "encode_given") in ran(document)
    assert ("two", "encode_given") in ran(document)


@pytest.mark.slow
def test_vace_goes_on_and_makes_a_span_again(tmp_path: Path) -> None:
    text = (
        'steps = 1\n[shots.one]\nprompt = "a red ball"\nframes = 17\n'
        '[shots.two]\nextend = "one"\nframes = 4\n'
        '[shots.three]\nprompt = "a blue ball"\nvideo = "one"\n'
        "retake = { from = 0.25, to = 0.5 }\nframes = 17\n"
    )
    folder = write_tiny(tmp_path, BY_NAME["wan-2.1-vace"], "wan-2.1-vace-1.3b", text)
    paths = {shot["name"]: folder / shot["path"] for shot in make(folder)["shots"]}
    frames = {name: [frame for _, frame in read_frames(path)] for name, path in paths.items()}
    assert {name: len(found) for name, found in frames.items()} == {
        "one": 17, "two": 4, "three": 17,
    }  # fmt: skip
    assert ran(make(folder)) == set()


@pytest.mark.slow
def test_the_prompt_is_read_with_the_picture_before_its_eyes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An image checkpoint of one's own stands in for the catalogue's; its text encoder sees.

    It is planned as large as that, so the machine is said to have the memory.
    """
    large = msgspec.structs.replace(describe_cpu(), memory_bytes=64 * 10**9)
    monkeypatch.setattr("rushes.run.machine.describe_cpu", lambda: large)

    def make(folder: Path) -> dict[str, Any]:
        capsys.readouterr()
        assert main(["make", "--json", "-C", str(folder)]) == 0
        return json.loads(capsys.readouterr().out)

    tiny = replace(hunyuan.TEXT, build=partial(hunyuan.build, way="token_replace", channels=16))
    text = 'steps = 2\n[shots.one]\nprompt = "a red ball"\nimage = "start.png"\n'
    folder = write_tiny(tmp_path, tiny, "hunyuan-video", text)
    write_picture(folder / "start.png")
    document = make(folder)
    assert document["shots"][0]["status"] == "passed"
    assert ("one", "encode_given") in ran(document)
    assert ran(make(folder)) == set()
    path = folder / "rushes.toml"
    path.write_text(path.read_text().replace("a red ball", "a blue ball"))
    again = {stage for _, stage in ran(make(folder))}
    assert "encode_text" in again
    assert "encode_given" not in again


def test_what_the_model_cannot_make_is_refused_before_anything_runs(tmp_path: Path) -> None:
    text = '[shots.one]\nprompt = "a red ball"\n'
    folder = write_tiny(tmp_path, BY_NAME["wan-2.1"], "wan-2.1-1.3b", text)
    for wrong, found in (("frames = 6", "5 or 9"), ('size = "264x256"', "256x256 or 272x256")):
        key = wrong.partition(" ")[0]
        lines = [wrong if line.startswith(key) else line for line in SHAPE.split("\n")]
        path = folder / "rushes.toml"
        said = path.read_text()
        path.write_text(said.replace(SHAPE, "\n".join(lines)))
        done = run_rushes(folder, "make", "--json")
        assert done.returncode == 2, done.stdout
        assert found in json.loads(done.stdout)["error"]["message"]
        path.write_text(said)
    assert not (folder / ".rushes/objects").exists()
