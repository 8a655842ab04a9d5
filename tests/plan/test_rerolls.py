"""What follows a refused take: nothing, a repair, or another seed; and what is accepted."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.catalogue.load import find_model
from rushes.errors import ProjectError
from rushes.lock import Lock
from rushes.plan.mending import CONTEXT, count_token_passes, keep_around
from rushes.plan.nodes import Plan, ShotPlan
from rushes.plan.rerolls import MAX_REPAIRS, find_spans, why_stop
from rushes.plan.seeds import attempt_seed
from rushes.stages.denoise import DenoiseParams
from rushes.stages.repair import RepairParams
from tests.plan.tools import LOCK, Verdicts, changed, keys_of, plan_text

TEXT = """\
[project]
name = "p"
seed = 7
[defaults]
attempts = 8
repair = true
[shots.one]
prompt = "a red ball bounces on a grey background"
"""
GATED = TEXT + "[shots.one.gate.flicker]\nthreshold = 0.4\n"


def shot(plan: Plan) -> ShotPlan:
    return plan.shots[0]


def verdict(check: str, *spans: tuple[float, float], score: float = 0.3) -> dict[str, Any]:
    return {
        "check": check, "passed": False, "score": score, "threshold": 0.5, "message": "",
        "spans": [{"start_seconds": a, "end_seconds": b, "note": ""} for a, b in spans],
        "evidence": {},
    }  # fmt: skip


def refuse(verdicts: Verdicts, plan: Plan, *rows: dict[str, Any], margin: float = -0.2) -> Plan:
    key = shot(plan).takes[-1].verdict.key
    assert key is not None
    verdicts.facts[key] = {"passed": False, "passes": 9, "margin": margin, "verdicts": list(rows)}
    return plan_text(TEXT, verdicts=verdicts)


def test_a_failure_with_a_place_is_repaired_before_another_seed_is_tried() -> None:
    verdicts = Verdicts()
    one = shot(refuse(verdicts, plan_text(TEXT), verdict("click", (0.5, 0.6))))
    first, second = one.takes
    assert second.seed == first.seed == 7
    assert [node.stage for node in second.nodes.values()].count("repair") == 1
    assert second.nodes["denoise"] is first.nodes["denoise"]
    assert second.mends[0].part == "sound"
    assert second.mends[0].spans == ((8, 10),)


def test_a_failure_without_a_place_gets_another_seed() -> None:
    one = shot(refuse(Verdicts(), plan_text(TEXT), verdict("drift")))
    assert one.takes[1].seed == attempt_seed(7, 1)
    assert not one.takes[1].mends


def test_repairs_of_a_seed_are_bounded_and_build_on_the_best() -> None:
    verdicts, plan = Verdicts(), plan_text(TEXT)
    for turn in range(MAX_REPAIRS + 1):
        plan = refuse(
            verdicts, plan, verdict("click", (0.5, 0.6), score=0.3 - turn / 100),
            margin=-0.2 - turn / 100,
        )  # fmt: skip
    takes = shot(plan).takes
    assert [len(take.mends) for take in takes] == [0, 1, 1, 1, 0]
    assert takes[-1].seed == attempt_seed(7, len(takes) - 1)
    assert len({take.mends[0].seed for take in takes[1:4]}) == 3


def test_without_repair_another_seed_is_tried() -> None:
    verdicts = Verdicts()
    text = TEXT.replace("repair = true\n", "")
    key = shot(plan_text(text)).kept.verdict.key
    assert key is not None
    rows = [verdict("click", (0.5, 0.6))]
    verdicts.facts[key] = {"passed": False, "passes": 1, "margin": -1.0, "verdicts": rows}
    assert not shot(plan_text(text, verdicts=verdicts)).takes[1].mends


def test_a_repaired_take_is_judged_by_its_seams() -> None:
    plan = refuse(Verdicts(), plan_text(TEXT), verdict("jump", (0.5, 0.6)))
    take = shot(plan).takes[1]
    assert take.mends[0].part == "picture"
    params: Any = take.nodes["check"].params
    assert params.seams == (8 / 16, 10 / 16)
    sound = shot(refuse(Verdicts(), plan_text(TEXT), verdict("hum", (0.5, 0.6)))).takes[1]
    named = [name for name, _ in sound.nodes["check"].params.checks]  # type: ignore[attr-defined]
    assert named[-1] == "click"
    assert sound.added == 1


def test_the_window_of_a_repair_is_smaller_than_the_take() -> None:
    plan = refuse(Verdicts(), plan_text(TEXT), verdict("jump", (1.5, 1.6)))
    take = shot(plan).takes[1]
    whole, part = take.nodes["denoise"].params, take.nodes["repair"].params
    assert isinstance(whole, DenoiseParams)
    assert isinstance(part, RepairParams)
    assert part.latents < whole.latents
    assert part.steps == whole.steps // 2
    assert part.first == 1
    assert part.kept_audio == ((0, part.audio_latents),)
    assert part.kept_video[0] == (0, CONTEXT)
    sprite = find_model("sprite")
    assert count_token_passes(part, sprite) < count_token_passes(whole, sprite)


def test_a_container_fault_and_equal_failures_stop() -> None:
    one = shot(refuse(Verdicts(), plan_text(TEXT), verdict("container")))
    assert len(one.takes) == 1
    assert one.settled
    assert "does not depend on the seed" in one.stopped
    verdicts = Verdicts()
    plan = refuse(verdicts, plan_text(TEXT), verdict("drift"))
    one = shot(refuse(verdicts, plan, verdict("drift")))
    assert len(one.takes) == 2
    assert "alike to the last digit (drift)" in one.stopped
    assert why_stop(one.takes, [{"verdicts": []}] * 2) == ""


def test_a_repair_that_changes_nothing_is_followed_by_another_seed() -> None:
    verdicts, row = Verdicts(), verdict("click", (0.5, 0.6))
    plan = refuse(verdicts, refuse(verdicts, plan_text(TEXT), row), row)
    one = shot(plan)
    assert [len(take.mends) for take in one.takes] == [0, 1, 0]
    assert one.stopped == ""


def test_a_warning_is_no_refusal() -> None:
    facts = {"verdicts": [{**verdict("container"), "level": "warn"}]}
    assert why_stop(shot(plan_text(TEXT)).takes, [facts]) == ""


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([("click", (0.5, 0.6)), ("hum", (0.55, 0.7))], (((8, 12),), "sound")),
        ([("click", (0.5, 0.6)), ("jump", (1.0, 1.0))], (((8, 10), (16, 17)), "both")),
        ([("flicker", (0.0, 2.0))], None),
        ([("jump", (0.5, 0.6)), ("drift",)], None),
        ([("jump", (5.0, 6.0))], (((32, 33),), "picture")),
    ],
)
def test_spans_become_frames(rows: list[Any], found: object) -> None:
    one = shot(plan_text(TEXT)).shot
    assert find_spans(one, [verdict(*each) for each in rows]) == found


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 6)), min_size=1), st.integers(27, 40))
def test_what_is_kept_is_what_lies_in_no_span(pairs: list[tuple[int, int]], length: int) -> None:
    spans = [(low, low + count) for low, count in pairs]
    kept = {n for low, high in keep_around(spans, length) for n in range(low, high)}
    assert kept == set(range(length)) - {n for low, high in spans for n in range(low, high)}


def test_a_threshold_moves_the_gate_alone() -> None:
    before, after = (keys_of(plan_text(text)) for text in (GATED, GATED.replace("0.4", "0.6")))
    assert changed(before, after) == {("one", "gate")}
    assert changed(keys_of(plan_text(TEXT)), before) == {("one", "gate")}


def test_a_gate_of_no_check_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(ProjectError, match="flikker") as caught:
        plan_text(GATED.replace("flicker", "flikker"))
    assert caught.value.hint == "did you mean 'flicker'?"
    assert caught.value.where == "rushes.toml:9"


def test_an_unknown_key_of_a_gate_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(ProjectError, match="tresholt") as caught:
        plan_text(GATED.replace("threshold", "tresholt"))
    assert caught.value.hint == "did you mean threshold?"
    assert caught.value.where == "rushes.toml:10"


def test_the_same_plan_without_rules_has_no_gate() -> None:
    assert "gate" not in shot(plan_text(TEXT, LOCK)).kept.nodes
    assert "gate" not in Lock().toolchains
