"""gate: verdicts that are stored, decided by the project's own rules. Nothing is decoded.

The measuring is the node before it, so that another threshold decides anew and measures nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from rushes.spec.gate import Level
from rushes.stages.base import Job, Made, Params, Stage

Row = dict[str, Any]
"""A verdict as the ``checks`` entry of the ``--json`` contract."""


class GateRule(msgspec.Struct, frozen=True):
    """What is asked of one check.

    Args:
        accepted: the score of the accepted take, where the rule holds the clip to it.
    """

    threshold: float | None = None
    level: Level = "fail"
    worse_by: float | None = None
    accepted: float | None = None


class GateParams(Params, frozen=True):
    """Rules by the check's name."""

    rules: tuple[tuple[str, GateRule], ...] = ()


def run(job: Job) -> Made:
    """Decide."""
    params: GateParams = job.params
    rows: list[Row] = []
    for files in job.inputs.values():
        rows += msgspec.json.decode(files["verdicts"].read_bytes(), type=list[Row])
    decided = decide_rows(rows, dict(params.rules))
    path = job.folder / "verdicts.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(decided), indent=1))
    return Made({"verdicts": path}, {"verdicts": decided, **sum_up_rows(decided)})


def decide_rows(rows: Iterable[Row], rules: Mapping[str, GateRule]) -> list[Row]:
    """The rows as the rules see them.

    A row that a rule touches also says ``level``; ``calibrated``, the check's own threshold, where
    the project's is another; and ``accepted``, the score it is held to.
    """
    return [_decide(row, rules[row["check"]]) if row["check"] in rules else row for row in rows]


def _decide(row: Row, rule: GateRule) -> Row:
    made = {**row, "level": rule.level}
    needed = row["threshold"]
    if rule.threshold is not None and rule.threshold != row["threshold"]:
        made["calibrated"], needed = row["threshold"], rule.threshold
    if rule.worse_by is not None and rule.accepted is not None:
        made["accepted"] = rule.accepted
        least = round(rule.accepted - rule.worse_by, 6)
        if least > needed:
            needed = least
    made["threshold"], made["passed"] = needed, row["score"] >= needed
    if not made["passed"] and row["passed"]:
        made["message"] = _explain(row, made)
    return made


def _explain(row: Row, made: Row) -> str:
    """Why a row that passes by itself does not here."""
    if "accepted" in made and made["threshold"] != made.get("calibrated", row["threshold"]):
        return f"worse than the accepted take, which scores {made['accepted']:g}"
    return f"below what the project asks for ({row['message'] or 'the check itself is content'})"


def describe_rule(rule: GateRule) -> str:
    """A rule in words."""
    said = [] if rule.threshold is None else [f"needs {rule.threshold:g}"]
    said += ["warns only"] if rule.level == "warn" else []
    if rule.worse_by is not None:
        taken = "no take yet" if rule.accepted is None else f"the accepted {rule.accepted:g}"
        said.append(f"at most {rule.worse_by:g} below {taken}")
    return ", ".join(said) or "as the check itself"


def sum_up_rows(rows: Iterable[Row]) -> dict[str, object]:
    """What re-rolls go by; a check that only warns refuses nothing."""
    counted = [row for row in rows if row.get("level") != "warn"]
    return {
        "passed": all(row["passed"] for row in counted),
        "passes": sum(row["passed"] for row in counted),
        "margin": min((row["score"] - row["threshold"] for row in counted), default=0.0),
    }


STAGE = Stage("gate", 1, "media", 7, (), GateParams, run)
