"""Re-rolls: which takes there are, with which seeds, and which is kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import ProjectError, UsageError
from rushes.plan.nodes import Plan, ShotPlan
from rushes.plan.seeds import attempt_seed, stage_seed
from tests.plan.tools import PROJECT, Verdicts, keys_of, plan_text

MAX_SEED = 2**53


def shot(plan: Plan, name: str = "one") -> ShotPlan:
    return next(each for each in plan.shots if each.shot.name == name)


def fail_all(verdicts: Verdicts, ranks: list[tuple[int, float]]) -> Plan:
    """Judge take after take as failed, each with its rank, as far as takes come."""
    for turn, (passes, margin) in enumerate(ranks):
        takes = shot(plan_text(verdicts=verdicts)).takes
        assert len(takes) == turn + 1
        verdicts.judge(takes[-1].nodes["check"].key, False, passes, margin)
    return plan_text(verdicts=verdicts)


def test_one_take_until_its_verdict_is_known() -> None:
    one = shot(plan_text())
    assert [take.attempt for take in one.takes] == [0]
    assert one.kept is one.takes[0]
    assert one.kept.seed == 7
    assert not one.settled


def test_a_pass_settles() -> None:
    verdicts = Verdicts()
    verdicts.judge(shot(plan_text()).kept.nodes["check"].key, True)
    plan = plan_text(verdicts=verdicts)
    assert shot(plan).settled
    assert len(shot(plan).takes) == 1
    assert not shot(plan, "two").settled
    assert not plan.films[0].settled
    verdicts.judge(shot(plan, "two").kept.nodes["check"].key, True)
    assert plan_text(verdicts=verdicts).films[0].settled


def test_a_failure_adds_a_take_with_another_seed() -> None:
    one = shot(fail_all(Verdicts(), [(1, 0.0)]))
    assert [take.attempt for take in one.takes] == [0, 1]
    assert one.kept is one.takes[1]
    assert not one.settled
    assert one.takes[1].seed not in (7, one.takes[0].seed)
    assert 0 <= one.takes[1].seed < MAX_SEED
    keys = [{stage: node.key for stage, node in take.nodes.items()} for take in one.takes]
    same = {stage for stage in keys[0] if keys[0][stage] == keys[1][stage]}
    assert same == {"render_prompt", "encode_text"}


def test_no_more_takes_than_attempts() -> None:
    one = shot(fail_all(Verdicts(), [(1, 0.0)] * 3))
    assert [take.attempt for take in one.takes] == [0, 1, 2]
    assert one.settled
    assert len({take.seed for take in one.takes}) == 3


@pytest.mark.parametrize(
    ("ranks", "best"),
    [
        ([(1, 0.0), (3, -9.0), (2, 0.0)], 1),
        ([(3, -0.5), (3, -0.2), (3, -0.3)], 1),
        ([(3, -0.5), (3, -0.5), (3, -0.5)], 0),
        ([(0, -1.0), (0, -1.0), (4, -0.1)], 2),
    ],
)
def test_the_best_of_the_failed_is_kept(ranks: list[tuple[int, float]], best: int) -> None:
    one = shot(fail_all(Verdicts(), ranks))
    assert one.settled
    assert one.kept.attempt == best


def test_a_late_pass_is_kept() -> None:
    verdicts = Verdicts()
    plan = fail_all(verdicts, [(5, 9.0), (5, 9.0)])
    verdicts.judge(shot(plan).takes[2].nodes["check"].key, True)
    one = shot(plan_text(verdicts=verdicts))
    assert one.settled
    assert one.kept.attempt == 2


def test_a_film_is_of_kept_takes() -> None:
    plan = fail_all(Verdicts(), [(1, 0.0), (5, 0.0), (2, 0.0)])
    kept = shot(plan).kept
    assert kept.attempt == 1
    inputs = dict(plan.films[0].nodes["assemble"].inputs)
    assert inputs["frames.0"] is kept.nodes["decode_video"]
    assert inputs["sound.0"] is kept.nodes["decode_audio"]


def test_a_seed_that_is_pasted_gives_the_same_take() -> None:
    one = shot(fail_all(Verdicts(), [(1, 0.0), (1, 0.0)]))
    for take in one.takes:
        pasted = PROJECT.replace("[shots.one]\n", f"[shots.one]\nseed = {take.seed}\n")
        for stage, node in take.nodes.items():
            assert keys_of(plan_text(pasted))["one", stage] == node.key


@given(st.integers(0, MAX_SEED - 1), st.integers(0, 99))
def test_seeds(seed: int, attempt: int) -> None:
    derived = attempt_seed(seed, attempt)
    assert 0 <= derived < MAX_SEED
    assert derived == attempt_seed(seed, attempt)
    assert attempt_seed(seed, 0) == seed
    assert attempt_seed(seed, attempt + 1) != derived
    assert 0 <= stage_seed(derived, "denoise") < MAX_SEED
    assert stage_seed(derived, "denoise") != stage_seed(derived, "refine")


def test_targets() -> None:
    plan = plan_text(targets=["two"])
    assert [each.shot.name for each in plan.shots] == ["two"]
    assert not plan.films
    plan = plan_text(targets=["both"])
    assert [each.shot.name for each in plan.shots] == ["one", "two"]
    assert keys_of(plan) == keys_of(plan_text())
    with pytest.raises(UsageError, match="tow") as caught:
        plan_text(targets=["tow"])
    assert "two" in (caught.value.hint or "")


def test_a_check_that_is_not_there() -> None:
    text = PROJECT.replace("[shots.two]\n", '[shots.two]\nchecks = ["blak"]\n')
    with pytest.raises(ProjectError, match="blak") as caught:
        plan_text(text)
    assert "black" in (caught.value.hint or "")
    assert caught.value.where == "rushes.toml:12"
    text = PROJECT.replace("crossfade", 'checks = ["blak"]\ncrossfade')
    with pytest.raises(ProjectError) as caught:
        plan_text(text)
    assert caught.value.where == "rushes.toml:15"
