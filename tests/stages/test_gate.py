"""The gate: thresholds, warnings and accepted scores over stored verdicts."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.stages.base import Job
from rushes.stages.gate import GateParams, GateRule, decide_rows, describe_rule, run, sum_up_rows

SCORES = st.floats(0, 1).map(lambda value: round(value, 6))


def row(check: str = "flicker", score: float = 0.7, threshold: float = 0.5) -> dict[str, Any]:
    return {
        "check": check, "passed": score >= threshold, "score": score, "threshold": threshold,
        "message": "steady", "spans": [], "evidence": {},
    }  # fmt: skip


def decide(rule: GateRule, score: float = 0.7) -> dict[str, Any]:
    return decide_rows([row(score=score)], {"flicker": rule})[0]


def test_rows_without_a_rule_stay_as_they_are() -> None:
    rows = [row(), row("black")]
    assert decide_rows(rows, {}) == rows


def test_another_threshold_says_which_is_calibrated() -> None:
    made = decide(GateRule(threshold=0.9))
    assert not made["passed"]
    assert (made["threshold"], made["calibrated"]) == (0.9, 0.5)
    assert "below what the project asks for" in made["message"]
    assert "calibrated" not in decide(GateRule(threshold=0.5))


def test_a_lower_threshold_lets_pass() -> None:
    assert decide(GateRule(threshold=0.2), score=0.3)["passed"]


def test_a_warning_fails_its_check_and_not_the_clip() -> None:
    made = decide(GateRule(threshold=0.9, level="warn"))
    assert not made["passed"]
    found = sum_up_rows([made, row("black")])
    assert (found["passed"], found["passes"]) == (True, 1)
    assert found["margin"] == pytest.approx(0.2)


def test_no_worse_than_the_accepted_take() -> None:
    rule = GateRule(worse_by=0.05, accepted=0.8)
    made = decide(rule)
    assert not made["passed"]
    assert made["threshold"] == 0.75
    assert made["accepted"] == 0.8
    assert "worse than the accepted take" in made["message"]
    assert decide(rule, score=0.75)["passed"]
    assert decide(GateRule(worse_by=0.05))["passed"], "no take is accepted yet"


@given(SCORES, SCORES, SCORES, SCORES)
def test_passed_is_exactly_score_at_least_threshold(
    score: float, threshold: float, worse_by: float, accepted: float
) -> None:
    made = decide(GateRule(threshold, "fail", worse_by, accepted), score)
    assert made["passed"] == (score >= made["threshold"])
    assert made["threshold"] >= threshold
    assert made["threshold"] >= round(accepted - worse_by, 6)


def test_rules_in_words() -> None:
    assert describe_rule(GateRule()) == "as the check itself"
    rule = GateRule(0.4, "warn", 0.05, 0.9)
    assert describe_rule(rule) == "needs 0.4, warns only, at most 0.05 below the accepted 0.9"


def test_the_stage_reads_stored_verdicts_alone(tmp_path: Any) -> None:
    inputs = {}
    for name, check in (("verdicts", "flicker"), ("golden", "golden")):
        path = tmp_path / f"{name}.json"
        path.write_bytes(msgspec.json.encode([row(check)]))
        inputs[name] = {"verdicts": path}
    rules = (("golden", GateRule(threshold=0.9)),)
    made = run(Job(GateParams(rules), inputs, tmp_path, lambda done, total: None))
    assert [r["check"] for r in made.facts["verdicts"]] == ["flicker", "golden"]  # type: ignore[attr-defined]
    assert made.facts["passed"] is False
    assert msgspec.json.decode(made.files["verdicts"].read_bytes()) == made.facts["verdicts"]
    assert made.facts["margin"] == pytest.approx(-0.2)
