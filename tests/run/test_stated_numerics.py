"""Shots of one build with other numerics: other bytes, one lock entry."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tests.run.projects import make, run_rushes, sums, write_project

PROMPT = 'prompt = "a red ball bounces on a grey background"\n'
TEXT = f"""
[project]
name = "small"
[defaults]
steps = 1
checks = []
[shots.plain]
{PROMPT}
[shots.narrow]
{PROMPT}quantisation = "int8"
[shots.half]
{PROMPT}dtype = "bfloat16"
tiling = true
"""


def test_each_shot_computes_as_it_states(tmp_path: Path) -> None:
    folder = write_project(tmp_path, TEXT)
    document = make(folder)
    assert len(set(sums(folder, document).values())) == 3
    lock = tomllib.loads((folder / "rushes.lock").read_text())
    assert list(lock["models"]) == ["sprite"]
    assert lock["models"]["sprite"]["dtype"] == "float32"
    assert "numerics" not in lock["models"]["sprite"]
    again = make(folder)
    assert all(s["result"] == "hit" for c in again["shots"] for s in c["stages"])
    assert run_rushes(folder, "lock").stdout.endswith("nothing changed\n")
