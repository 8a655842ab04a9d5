"""Accepted takes: what is compared with them, what makes them again, and what makes them stale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from rushes.accepted import accept_take, explain_stale, use_accepted
from rushes.cli.main import main
from rushes.lock import Lock, read_lock, write_lock
from rushes.plan.nodes import Plan
from rushes.run.build import BuildOptions
from rushes.run.inspect import inspect_project
from rushes.spec.project import Mend
from rushes.spec.resolve import load_project
from rushes.stages.gate import GateRule
from rushes.store.index import Result
from rushes.store.store import Store, find_store
from tests.plan.tools import LOCK, Verdicts, plan_text
from tests.store.tools import put

TEXT = """\
[project]
name = "p"
seed = 7
[defaults]
attempts = 3
repair = true
[shots.one]
prompt = "a red ball bounces on a grey background"
seconds = 2
[shots.one.gate.flicker]
worse_by = 0.05
[shots.two]
prompt = "a blue square slides on a black background"
"""
SCORES = [{"check": "flicker", "score": 0.8}]
PAID = """\
[policy]
paid = "fallback"
providers = ["acme"]
send = ["prompt"]
budget_usd = 1
paid_after = { qa_failures = 1 }
[remotes.cloud]
provider = "acme"
server = "https://clips.acme.example"
model = "clip-1"
tasks = ["generate"]
sizes = ["96x96"]
seconds = [2]
fps = 16
sound = true
usd_per_second = "0.10"
"""
MENDS = (Mend(((8, 10),), "sound", 11),)


def accept(text: str = TEXT, seed: int = 7, mends: tuple[Mend, ...] = ()) -> Lock:
    """The lock with a take accepted of the shot as a text has it."""
    take = accept_take(plan_text(text).shots[0].shot, seed, mends, SCORES)
    return msgspec.structs.replace(LOCK, accepted={"one": take})


def rule(plan: Plan) -> GateRule:
    params: Any = plan.shots[0].kept.nodes["gate"].params
    return dict(params.rules)["flicker"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a red ball", "a green ball"),
        ("seconds = 2", "seconds = 1"),
        ("seconds = 2", 'model = "ltx-2"\nsize = "704x480"'),
        ("seconds = 2", 'negative = "blur"\nseconds = 2'),
        ("seconds = 2", 'extend = "two"\nseconds = 2'),
    ],
)
def test_a_take_of_something_else_is_no_measure(old: str, new: str) -> None:
    assert rule(plan_text(TEXT, accept())).accepted == 0.8
    assert rule(plan_text(TEXT.replace(old, new), accept())).accepted is None


@pytest.mark.parametrize(("old", "new"), [("seed = 7", "seed = 8"), ("attempts", "steps")])
def test_another_draw_of_the_same_is_held_to_it(old: str, new: str) -> None:
    assert rule(plan_text(TEXT.replace(old, new), accept(seed=12345))).accepted == 0.8


def test_what_is_stale_says_why_and_is_not_made_again(tmp_path: Path) -> None:
    lock = accept(seed=12345)
    assert load(tmp_path, lock) == (12345, "")
    seed, why = load(tmp_path, lock, "a red ball", "a green ball")
    assert seed == 7
    assert "another prompt" in why
    seed, why = load(tmp_path, lock, "seed = 7", "seed = 8")
    assert seed == 8
    assert "drawn from seed 7, not 8" in why


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("repair = true\n", "", "repair is off"),
        ("seconds = 2", 'seconds = 2\naudio = "none"', "its sound is not the model's"),
    ],
)
def test_a_repair_is_not_made_again_where_the_shot_cannot_be_repaired(
    tmp_path: Path, old: str, new: str, why: str
) -> None:
    lock = accept(seed=12345, mends=MENDS)
    assert load(tmp_path, lock) == (12345, "")
    assert use_accepted(load_project(tmp_path), lock.accepted).shots["one"].mended == MENDS
    seed, said = load(tmp_path, lock, old, new)
    assert seed == 7
    assert why in said
    assert use_accepted(load_project(tmp_path), lock.accepted).shots["one"].mended == ()
    assert rule(plan_text(TEXT.replace(old, new), lock)).accepted == 0.8
    assert load(tmp_path, accept(seed=12345), old, new) == (12345, ""), "nothing was repaired of it"


def load(folder: Path, lock: Lock, old: str = "", new: str = "") -> tuple[int, str]:
    """The first shot's seed where accepted takes are made, and why its own is not."""
    (folder / "rushes.toml").write_text(TEXT.replace(old, new, 1))
    project = load_project(folder)
    used = use_accepted(project, lock.accepted).shots["one"]
    return used.seed, explain_stale(project, lock.accepted).get("one", "")


def test_a_paid_take_is_held_to_what_was_accepted_of_its_shot() -> None:
    text, verdicts = PAID + TEXT, Verdicts()
    lock = accept(text)
    verdicts.judge(plan_text(text, lock).shots[0].kept.verdict.key, False)
    plan = plan_text(text, lock, verdicts)
    assert plan.shots[0].kept.shot.remote is not None
    assert rule(plan).accepted == 0.8


def test_plan_says_that_an_accepted_take_is_stale(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rushes.toml").write_text(TEXT)
    write_lock(tmp_path, Lock(accepted=accept().accepted))
    assert main(["plan", "--json", "-C", str(tmp_path)]) == 0
    assert "accepted" not in capsys.readouterr().err
    (tmp_path / "rushes.toml").write_text(TEXT.replace("a red ball", "a green ball"))
    assert main(["plan", "two", "-C", str(tmp_path)]) == 0
    assert "accepted" not in capsys.readouterr().err
    assert main(["plan", "--json", "-C", str(tmp_path)]) == 0
    said = capsys.readouterr().err
    assert said.startswith("one: the accepted take is of another prompt")
    assert "rushes lock --accept one" in said


def test_nothing_that_is_accepted_goes_with_the_garbage(tmp_path: Path) -> None:
    (tmp_path / "rushes.toml").write_text(TEXT)
    assert main(["lock", "-C", str(tmp_path)]) == 0
    lock = msgspec.structs.replace(read_lock(tmp_path), accepted=accept(seed=12345).accepted)
    write_lock(tmp_path, lock)
    plan = inspect_project(tmp_path, BuildOptions(locked=True)).plan
    assert plan.shots[0].kept.seed == 12345
    kept, store = plan.keys(), Store(find_store(tmp_path))
    facts = {"passed": True, "passes": 1, "margin": 0.1, "verdicts": []}
    store.index.put([Result(key, "export", {}, facts, 1.0, 1) for key in kept])
    lost = put(store, "another")
    assert main(["cache", "gc", "--days", "0", "-C", str(tmp_path)]) == 0
    assert store.index.get_many([*kept, lost.key]).keys() == kept
    (tmp_path / "rushes.toml").write_text(TEXT.replace("seed = 7", "seed = 8"))
    assert main(["cache", "gc", "--days", "0", "-C", str(tmp_path)]) == 0
    left = store.index.get_many(kept).keys()
    assert {node.key for node in plan.shots[0].kept.nodes.values()} <= left
