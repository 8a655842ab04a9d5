"""The check prompt in a plan: a reader is asked, and nobody else's keys move."""

from __future__ import annotations

import msgspec
import pytest

from rushes.catalogue.load import find_reader_entry
from rushes.errors import LicenceRefused, ProjectError
from rushes.lock import (
    Lock,
    LockedModel,
    missing_entries,
)
from rushes.needs import (
    needed_checkpoints,
    needed_stages,
)
from rushes.plan.explain import explain_place, record_graph
from rushes.plan.nodes import Plan
from rushes.plan.order import order_work
from rushes.plan.seeds import attempt_seed
from rushes.types import Key
from tests.plan.tools import (
    LOCK,
    PROJECT,
    Verdicts,
    change_package,
    changed,
    digest,
    keys_of,
    plan_text,
)

ASKING = PROJECT.replace("[shots.two]\n", '[shots.two]\nchecks = ["default", "prompt"]\n')
FILES = ("config.json", "model.safetensors", "tokenizer.json")


def lock_reader(file: str = "", lock: Lock = LOCK) -> Lock:
    """The lock with spotter in it, one file of which is another one."""
    files = {
        name: msgspec.structs.replace(
            LOCK.models["sprite"].files["model_index.json"],
            sha256=digest("other" if name == file else name),
        )
        for name in FILES
    }
    spotter = LockedModel("v1", "package:rushes/weights/spotter", "float32", files)
    return msgspec.structs.replace(lock, models={**lock.models, "spotter": spotter})


LOCKED = lock_reader()


def asked(plan: Plan, name: str = "two") -> tuple[str, ...]:
    (node,) = (n for shot, _, label, n in plan.rows() if (shot, label) == (name, "ask"))
    return tuple(question for _, question in node.params.questions)  # type: ignore[attr-defined]


def test_a_locked_reader_that_nobody_asks_is_in_no_key() -> None:
    keys = keys_of(plan_text(lock=LOCKED))
    assert keys == keys_of(plan_text(lock=LOCK))
    assert not [stage for _, stage in keys if stage == "ask"]


def test_the_check_adds_a_stage_and_moves_one_key() -> None:
    before, after = keys_of(plan_text(lock=LOCKED)), keys_of(plan_text(ASKING, LOCKED))
    assert changed(before, after) == {("two", "ask"), ("two", "check")}
    assert None not in after.values()


def test_the_parts_of_the_rendered_prompt_are_asked() -> None:
    assert asked(plan_text(ASKING, LOCKED)) == (
        "is there a blue square?", "does the blue square slide?", "is the background black?",
    )  # fmt: skip
    text = PROJECT.replace("[shots.one]\n", '[shots.one]\nchecks = ["prompt"]\n')
    assert asked(plan_text(text, LOCKED), "one")[0] == "is there a red ball?"


@pytest.mark.parametrize("file", FILES)
def test_every_file_of_the_reader_counts(file: str) -> None:
    before, after = (keys_of(plan_text(ASKING, lock)) for lock in (LOCKED, lock_reader(file)))
    assert changed(before, after) == {("two", "ask"), ("two", "check")}


def test_its_toolchain_counts() -> None:
    before = keys_of(plan_text(ASKING, LOCKED))
    after = keys_of(plan_text(ASKING, lock_reader(lock=change_package("tokenizers"))))
    assert ("two", "ask") in changed(before, after)


def test_without_the_reader_locked_its_key_is_not_known() -> None:
    keys = keys_of(plan_text(ASKING, LOCK))
    assert {place for place, key in keys.items() if key is None} == {
        ("two", "ask"), ("two", "check"),
    }  # fmt: skip


def test_it_is_asked_after_every_export_and_loads_the_reader_once() -> None:
    text = PROJECT.replace("attempts = 3", 'attempts = 3\nchecks = ["prompt"]')
    text = text.replace("crossfade = 0.25", 'checks = ["default"]')
    steps = order_work(plan_text(text, LOCKED), lambda key: False, ahead=True)
    stages = [step.node.stage for step in steps]
    assert stages.count("ask") == 2
    assert max(n for n, s in enumerate(stages) if s == "export") < stages.index("ask")
    assert [step.loads for step in steps if step.node.stage == "ask"] == [("spotter",), ()]


def test_a_failed_verdict_rolls_again() -> None:
    verdicts = Verdicts()
    first = plan_text(ASKING, LOCKED, verdicts)
    (shot,) = (s for s in first.shots if s.shot.name == "two")
    verdicts.judge(shot.kept.nodes["check"].key, passed=False)
    (shot,) = (s for s in plan_text(ASKING, LOCKED, verdicts).shots if s.shot.name == "two")
    assert len(shot.takes) == 2
    assert shot.takes[1].seed == attempt_seed(7, 1)
    assert shot.takes[1].nodes["ask"].key != shot.takes[0].nodes["ask"].key


def test_why_names_the_question_that_changed() -> None:
    before = record_graph(plan_text(ASKING, LOCKED))
    after = record_graph(plan_text(ASKING.replace("a blue square", "a green square"), LOCKED))
    (answer,) = explain_place("two:ask", before, after, set[Key]())
    assert "is there a green square?" in answer.text
    other = record_graph(plan_text(ASKING, lock_reader("model.safetensors")))
    (answer,) = explain_place("two:ask", before, other, set[Key]())
    assert "weights model.safetensors changed" in answer.text


def test_the_lock_takes_the_reader_in_only_where_it_is_asked() -> None:
    plain, asking = plan_text().project, plan_text(ASKING).project
    assert [entry.name for entry in needed_checkpoints(plain)] == ["sprite"]
    assert [entry.name for entry in needed_checkpoints(asking)] == ["sprite", "spotter"]
    assert "ask" not in [stage.name for stage in needed_stages(plain)]
    assert "ask" in [stage.name for stage in needed_stages(asking)]
    assert missing_entries(asking, LOCK) == ["models.spotter"]


def test_a_film_has_no_prompt() -> None:
    text = PROJECT.replace("crossfade = 0.25", 'checks = ["prompt"]')
    with pytest.raises(ProjectError, match="'both': the check 'prompt'") as caught:
        plan_text(text)
    assert "rushes.toml:" in str(caught.value.where)


def test_the_readers_licence_is_the_policys_business(monkeypatch: pytest.MonkeyPatch) -> None:
    spotter = find_reader_entry("spotter")
    closed = msgspec.structs.replace(spotter.licence, id="proprietary")
    other = msgspec.structs.replace(spotter, licence=closed)
    monkeypatch.setattr("rushes.needs.find_reader_entry", lambda name: other)
    policy = '[policy]\nlicences = ["apache-2.0"]\n[defaults]'
    plan_text(PROJECT.replace("[defaults]", policy))
    with pytest.raises(LicenceRefused, match="reader 'spotter'"):
        plan_text(ASKING.replace("[defaults]", policy))
