"""Another model is one line of examples/hello, and the plan says what that changes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rushes.catalogue.load import find_model, model_names
from rushes.lock import Lock
from rushes.plan.build import build_plan
from rushes.plan.explain import compare_graphs, record_graph
from rushes.plan.nodes import Plan
from rushes.spec.resolve import load_project

HELLO = Path(__file__).parents[2] / "examples" / "hello"


def plan_with(folder: Path, model: str) -> Plan:
    shutil.copytree(HELLO, folder, ignore=shutil.ignore_patterns(".rushes", "out"))
    text = (folder / "rushes.toml").read_text()
    assert text.count('model = "sprite"') == 1
    (folder / "rushes.toml").write_text(text.replace('model = "sprite"', f'model = "{model}"'))
    return build_plan(load_project(folder), Lock(), lambda keys: {})


@pytest.mark.parametrize("name", [name for name in model_names() if name != "sprite"])
def test_every_model_is_one_line_away(name: str, tmp_path: Path) -> None:
    model = find_model(name)
    before, after = plan_with(tmp_path / "a", "sprite"), plan_with(tmp_path / "b", name)
    stages = {row.node.stage for row in after.rows()}
    assert ("decode_audio" in stages) == (model.latents.audio is not None)
    assert {row.node.model for row in after.rows()} - {None} == {name}
    changes = compare_graphs(record_graph(before), record_graph(after))
    said = {reason for change in changes for reason in change.reasons}
    assert f"model sprite → {name}" in said
    prompts = [change for change in changes if change.stage == "render_prompt"]
    assert prompts == [], "what does not depend on the model stays"
