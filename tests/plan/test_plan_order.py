"""The order of work: parts loaded once, inputs before readers, nothing for what is stored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.plan.forecast import forecast_plan
from rushes.plan.nodes import Plan
from rushes.plan.order import Step, order_work
from rushes.stages.registry import STAGES
from tests.plan.tools import PARTS, PROJECT, Verdicts, keys_of, plan_text

MANY = "[project]\nname = 'p'\n" + "".join(
    f"[shots.s{n}]\nprompt = 'a ball {n}'\n" for n in range(5)
)


def order(plan: Plan, present: set[object] | None = None, *, ahead: bool = True) -> list[Step]:
    return order_work(plan, (present or set()).__contains__, ahead=ahead)


def places(steps: list[Step]) -> list[tuple[str, str]]:
    return [(step.name, step.node.stage) for step in steps]


def test_everything_runs_once() -> None:
    plan = plan_text()
    steps = order(plan)
    assert sorted(places(steps)) == sorted(keys_of(plan))
    assert len({step.node.key for step in steps}) == len(steps)


def test_stage_by_stage_and_exports_beside_decoding() -> None:
    stages = [step.node.stage for step in order(plan_text(MANY))]
    assert stages[:15] == ["render_prompt"] * 5 + ["encode_text"] * 5 + ["denoise"] * 5
    assert stages[15:25] == ["decode_video", "decode_audio"] * 5
    assert stages[25:] == ["export"] * 5 + ["check"] * 5


def test_each_part_is_loaded_once() -> None:
    loads = [part for step in order(plan_text(MANY)) for part in step.loads]
    assert sorted(loads) == PARTS
    first = {part: next(s.node.stage for s in order(plan_text(MANY)) if part in s.loads)
             for part in PARTS}  # fmt: skip
    assert first["transformer"] == "denoise"
    assert first["vocoder"] == "decode_audio"


@given(st.data())
def test_inputs_come_before_their_readers_whatever_is_stored(data: st.DataObject) -> None:
    plan = plan_text()
    keys = sorted(key for key in keys_of(plan).values() if key is not None)
    present: set[object] = set(data.draw(st.lists(st.sampled_from(keys), unique=True)))
    steps = order(plan, present)
    done = set(present)
    for step in steps:
        assert step.node.key not in present
        assert all(before.key in done for _, before in step.node.inputs)
        done.add(step.node.key)
    wanted = {key for (_, stage), key in keys_of(plan).items() if stage in
              ("export", "check", "assemble")}  # fmt: skip
    assert wanted <= done


def test_nothing_for_what_is_stored() -> None:
    plan = plan_text()
    keys = keys_of(plan)
    assert order(plan, set(keys.values())) == []
    ends = {key for (_, stage), key in keys.items() if stage in ("export", "check", "assemble")}
    assert order(plan, ends) == []


def test_a_lost_end_needs_only_what_is_not_stored() -> None:
    plan = plan_text()
    keys = keys_of(plan)
    assert places(order(plan, set(keys.values()) - {keys["one", "check"]})) == [("one", "check")]
    lost = {keys["one", "export"], keys["one", "decode_audio"]}
    found = places(order(plan, set(keys.values()) - lost))
    assert found == [("one", "decode_audio"), ("one", "export")]


def test_films_wait_for_their_shots() -> None:
    plan = plan_text()
    assert "assemble" not in {step.node.stage for step in order(plan, ahead=False)}
    verdicts = Verdicts()
    for shot in plan.shots:
        verdicts.judge(shot.kept.nodes["check"].key, True)
    assert "assemble" in {s.node.stage for s in order(plan_text(verdicts=verdicts), ahead=False)}


def test_a_film_alone_gets_its_shots_made() -> None:
    found = places(order(plan_text(targets=["both"])))
    assert ("both", "assemble") in found
    assert found.index(("one", "decode_video")) < found.index(("both", "assemble"))


def test_work_that_is_shared_is_done_for_the_first() -> None:
    three = '[shots.three]\nprompt = "a blue square slides on a black background"\n'
    text = PROJECT.replace("[films.both]", f"{three}[films.both]")
    names = {step.name for step in order(plan_text(text))}
    assert names == {"one", "two", "both"}


def test_without_keys_everything_is_planned() -> None:
    from rushes.lock import Lock

    plan = plan_text(lock=Lock())
    assert len(order(plan)) == len(keys_of(plan))
    forecast = forecast_plan(plan, {}, {})
    assert all(row.key is None and not row.cached for row in forecast.stages)
    assert forecast.totals.unlocked == forecast.totals.stages == forecast.totals.to_run


def test_a_forecast_knows_only_what_was_measured() -> None:
    plan = plan_text()
    forecast = forecast_plan(plan, {}, {})
    assert forecast.totals.seconds is None
    assert forecast.totals.peak_bytes is None
    typical: dict[tuple[str, str | None], tuple[float, int]] = {
        (name, "sprite" if stage.loads_model else None): (2.0, 5 if name == "check" else 3)
        for name, stage in STAGES.items()
    }
    totals = forecast_plan(plan, {}, typical).totals
    assert totals.seconds == pytest.approx(2.0 * totals.to_run)
    assert totals.peak_bytes == 5
    assert totals.stages == totals.to_run == len(keys_of(plan))
