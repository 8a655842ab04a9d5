"""Takes that are accepted: rushes.lock, golden files, and what --locked makes of them."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from rushes.accepted import use_accepted
from rushes.checks.registry import DEFAULT
from rushes.cli.main import main
from rushes.lock import read_lock, write_lock
from rushes.run.build import BuildOptions
from rushes.run.inspect import inspect_project
from rushes.spec.resolve import load_project
from rushes.types import Digest
from tests.run.projects import make

WARN = "".join(f'[defaults.gate.{name}]\nlevel = "warn"\n' for name in DEFAULT)


def change(folder: Path, old: str, new: str) -> None:
    path = folder / "rushes.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_an_accepted_take_is_made_again_and_held_to(
    built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lock", "--accept", "nothing", "-C", str(built)]) == 2
    change(built, "[shots.one]\n", f'{WARN}[shots.one]\ngolden = "golden/one.mp4"\n')
    ran = {s["stage"] for shot in make(built, "one")["shots"] for s in shot["stages"]
           if s["result"] == "ran"}  # fmt: skip
    assert ran == {"gate"}, "a rule decides anew and measures nothing"
    assert main(["make", "one", "--locked", "-C", str(built)]) == 3
    assert "golden/one.mp4" in capsys.readouterr().err
    assert main(["lock", "--accept", "one", "-C", str(built)]) == 0
    lock = read_lock(built)
    take = lock.accepted["one"]
    assert take.seed == 7
    assert set(take.scores) == set(DEFAULT)
    assert (built / "golden/one.mp4").read_bytes() == (built / "out/one.mp4").read_bytes()

    shot = make(built, "one", "--locked", codes=(0,))["shots"][0]
    golden = next(row for row in shot["checks"] if row["check"] == "golden")
    assert golden["score"] == 1.0
    assert {s["stage"] for s in shot["stages"] if s["result"] == "ran"} == {"golden", "gate"}

    stale = msgspec.structs.replace(take, request=Digest("0" * 64))
    write_lock(built, msgspec.structs.replace(lock, accepted={"one": stale}))
    assert main(["make", "one", "-C", str(built)]) == 0
    assert "one: the accepted take is of another prompt" in capsys.readouterr().err

    project = load_project(built)
    assert use_accepted(project, lock.accepted).shots["one"].attempts == 1
    change(built, "a red ball", "a green ball")
    other = load_project(built)
    assert use_accepted(other, lock.accepted).shots["one"] == other.shots["one"]


def test_a_lock_with_accepted_takes_reads_back_and_is_of_version_2(built: Path) -> None:
    before = (built / "rushes.lock").read_bytes()
    write_lock(built, read_lock(built))
    assert (built / "rushes.lock").read_bytes() == before
    assert b"accepted" not in before
    assert b"version = 1" in before


def test_takes_and_revisions_need_a_stored_clip(
    built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", "one", "two", "--json", "-C", str(built)]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["seeds"] == [7, 7]
    assert any("template" in reason for reason in row["reasons"])
    assert main(["compare", "one#2", "one", "-C", str(built)]) == 2
    assert main(["compare", "both", "one", "--checks", "black", "-C", str(built)]) == 0
    change(built, "seed = 7", "seed = 8")
    assert main(["compare", "one", "two", "-C", str(built)]) == 2
    view = inspect_project(built, BuildOptions())
    assert view.plan.shots[0].kept.seed == 8
