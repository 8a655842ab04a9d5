"""Rules for a project's own checks: files by their CHECK's name, questions as they are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from planted import blink, make_clip
from test_own_check import read_example
from test_question_check import NAME, judge

from rushes.errors import ProjectError
from rushes.plan.build import build_plan
from rushes.spec.resolve import load_project
from rushes.stages import check as check_stage
from rushes.stages import gate as gate_stage
from rushes.stages.base import Job, Params
from rushes.stages.check import CheckParams, to_row
from rushes.stages.gate import GateParams, GateRule, decide_rows, sum_up_rows
from tests.plan.tools import LOCK

PROJECT = f"""\
[project]
name = "p"
[shots.one]
prompt = "a red ball bounces on a grey background"
checks = ["default", "./checks/red.py", "{NAME}"]
[shots.two]
prompt = "a blue square slides on a black background"
[films.both]
shots = ["one", "two"]
"""


def find_rules(folder: Path, gate: str, name: str = "one") -> dict[str, GateRule]:
    """The rules of a shot or film of the project with these tables more."""
    (folder / "checks").mkdir(exist_ok=True)
    (folder / "checks" / "red.py").write_text(read_example())
    (folder / "rushes.toml").write_text(PROJECT + gate)
    plan = build_plan(load_project(folder), LOCK, lambda keys: {})
    nodes = {row.name: row.node for row in plan.rows() if row.label == "gate"}
    params: Any = nodes[name].params
    return dict(params.rules)


def test_a_file_s_check_is_gated_by_its_name(tmp_path: Path) -> None:
    rules = find_rules(tmp_path, '[shots.one.gate.red]\nlevel = "warn"\nthreshold = 0.5\n')
    assert rules == {"red": GateRule(0.5, "warn")}
    row = {"check": "red", "passed": False, "score": 0.4, "threshold": 1.0, "message": "bare"}
    (decided,) = decide_rows([row], rules)
    assert (decided["threshold"], decided["calibrated"]) == (0.5, 1.0)
    assert sum_up_rows([decided])["passed"]


def test_a_question_is_gated_as_it_is_written(tmp_path: Path) -> None:
    rules = find_rules(tmp_path, f'[shots.one.gate."{NAME}"]\nlevel = "warn"\n')
    (decided,) = decide_rows([to_row(judge(NAME, "blue"))], rules)
    assert not decided["passed"]
    assert sum_up_rows([decided])["passed"]


@pytest.mark.parametrize("name", ["one", "two", "both"])
def test_defaults_may_name_what_only_one_shot_has(tmp_path: Path, name: str) -> None:
    gate = f'[defaults.gate.red]\nlevel = "warn"\n[defaults.gate."{NAME}"]\nlevel = "warn"\n'
    assert set(find_rules(tmp_path, gate, name)) == {"red", NAME}


@pytest.mark.parametrize(
    ("check", "hint"),
    [
        ("redd", "did you mean 'red'?"),
        ("./checks/red.py", "a file's check is named as its CHECK is: gate.NAME"),
        (NAME.replace("colour", "color"), f"did you mean {NAME!r}?"),
        ("who is it? nobody", "known: "),
    ],
)
def test_what_no_check_is_called_is_an_error(tmp_path: Path, check: str, hint: str) -> None:
    with pytest.raises(ProjectError) as caught:
        find_rules(tmp_path, f'[shots.one.gate."{check}"]\nlevel = "warn"\n')
    assert hint in str(caught.value.hint)
    assert caught.value.where == "rushes.toml:10"


def test_planning_runs_no_file_to_learn_its_name(tmp_path: Path) -> None:
    find_rules(tmp_path, "[shots.one.gate.black]\nthreshold = 0.5\n")
    file = tmp_path / "checks" / "red.py"
    file.write_text("raise SystemExit('planning runs me')\nNAME = 'crimson'\n")
    text = PROJECT + '[shots.one.gate.crimson]\nlevel = "warn"\n'
    (tmp_path / "rushes.toml").write_text(text)
    assert build_plan(load_project(tmp_path), LOCK, lambda keys: {})
    file.write_text("def\n")
    with pytest.raises(ProjectError, match="'crimson', which is no check"):
        build_plan(load_project(tmp_path), LOCK, lambda keys: {})


def test_a_clip_that_a_file_s_check_refuses_passes_where_that_only_warns(tmp_path: Path) -> None:
    """Through both stages; the verdict goes by its CHECK's name, whatever it says itself."""
    rules = find_rules(tmp_path, '[shots.one.gate.red]\nlevel = "warn"\n')
    file = tmp_path / "checks" / "red.py"
    file.write_text(read_example().replace('Verdict("red"', 'Verdict("crimson"'))
    clip = make_clip(tmp_path, [frame[..., ::-1].copy() for frame in blink("grey")], None)
    inputs = {"clip": {"clip": clip}, "./checks/red.py": {"file": file}}
    asked = CheckParams((("./checks/red.py", 0),), 33, 64, 64, 16.0)
    judged = check_stage.run(make_job(asked, inputs, tmp_path / "a"))
    assert judged.facts["passed"] is False
    verdicts = {"verdicts": {"verdicts": judged.files["verdicts"]}}
    params = GateParams(tuple(rules.items()))
    made = gate_stage.run(make_job(params, verdicts, tmp_path / "b"))
    assert made.facts["passed"] is True
    (row,) = msgspec.json.decode(made.files["verdicts"].read_bytes())
    assert (row["check"], row["passed"], row["level"]) == ("red", False, "warn")


def make_job(params: Params, inputs: dict[str, dict[str, Path]], folder: Path) -> Job:
    folder.mkdir()
    return Job(params, inputs, folder, lambda done, total: None)
