"""Planning needs no torch, no FFmpeg, no network and no clock, and many shots."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rushes.plan.order import order_work
from tests.plan.tools import LOCK, PROJECT, plan_text

HEAVY = ("torch", "av", "numpy", "diffusers", "transformers", "safetensors", "rich", "click")
SCRIPT = """
import sys, socket, time
from pathlib import Path

if sys.argv[2] == "blocked":
    class Blocked:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in {heavy!r}:
                raise ImportError(f"{{name}} is blocked")
    sys.meta_path.insert(0, Blocked())
    def refuse(*args, **kwargs):
        raise RuntimeError("planning reached out")
    socket.socket.connect = time.time = refuse

from rushes.lock import read_lock
from rushes.plan.build import build_plan
from rushes.plan.explain import compare_graphs, record_graph
from rushes.plan.forecast import forecast_plan
from rushes.spec.resolve import load_project

folder = Path(sys.argv[1])
plan = build_plan(load_project(folder), read_lock(folder), lambda keys: {{}})
assert forecast_plan(plan, {{}}, {{}}).totals.to_run == 16
assert not compare_graphs(record_graph(plan), record_graph(plan))
assert all(node.key for *_, node in plan.rows())
print(",".join(name for name in {heavy!r} if name in sys.modules))
"""


@pytest.mark.parametrize("mode", ["open", "blocked"])
def test_planning_imports_nothing_heavy(mode: str, tmp_path: Path) -> None:
    from rushes.lock import write_lock

    (tmp_path / "rushes.toml").write_text(PROJECT)
    write_lock(tmp_path, LOCK)
    script = SCRIPT.format(heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), mode],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_ten_thousand_shots() -> None:
    head = "[project]\nname = 'p'\n[presets.b]\nprompt = 'a ball {n}'\n"
    shots = (f"[shots.s{n}]\npreset = 'b'\nvars = {{ n = '{n}' }}\n" for n in range(10_000))
    plan = plan_text(head + "".join(shots))
    keys = plan.keys()
    assert len(keys) == 70_000
    steps = order_work(plan, lambda key: False, ahead=True)
    assert len(steps) == 70_000
    assert sum(len(step.loads) for step in steps) == 8
    assert order_work(plan, keys.__contains__) == []
    assert [row[0] for row in list(plan.rows())[::7]] == [f"s{n}" for n in range(10_000)]
