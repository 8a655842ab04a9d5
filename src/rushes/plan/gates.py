"""The node that decides by the project's rules, where there are any, and the golden take's."""

from __future__ import annotations

from difflib import get_close_matches

from rushes.accepted import find_scores
from rushes.checks.own import is_own
from rushes.checks.registry import check_names
from rushes.lock import Lock
from rushes.plan.nodes import Node
from rushes.plan.takes import MakeNode
from rushes.spec.gate import Rule
from rushes.spec.project import Film, Project, Shot
from rushes.stages.gate import GateParams, GateRule
from rushes.stages.golden import NAME as GOLDEN_CHECK
from rushes.stages.golden import GoldenParams


def add_gate(
    make: MakeNode, project: Project, lock: Lock, asked: Shot | Film, nodes: dict[str, Node]
) -> None:
    """Add ``golden`` and ``gate`` to the nodes of a take or film; neither where nothing is asked.

    Raises:
        ProjectError: a rule is for a check that does not exist.
    """
    inputs = [("verdicts", nodes["check"])]
    golden = asked.golden if isinstance(asked, Shot) else None
    if golden is not None and golden.file is not None:
        clip = [("clip", nodes["export"])]
        nodes["golden"] = make("golden", GoldenParams(), clip, None, (("golden", golden.file),))
        inputs.append(("golden", nodes["golden"]))
    if not asked.gate and len(inputs) == 1:
        return
    for check, _ in asked.gate:
        _require_check(check, project, asked)
    if isinstance(asked, Shot):
        asked = project.shots[asked.name]  # a take that others make is held to the same
    nodes["gate"] = make("gate", GateParams(list_rules(lock, asked)), inputs)


def list_rules(lock: Lock, asked: Shot | Film) -> tuple[tuple[str, GateRule], ...]:
    """The rules of a shot or film as the project says it, with the scores of the shot's accepted
    take; those of a take of something else are no measure."""
    scores = find_scores(asked, lock.accepted) if isinstance(asked, Shot) else {}
    return tuple((check, _make_rule(rule, scores.get(check))) for check, rule in asked.gate)


def _make_rule(rule: Rule, accepted: float | None) -> GateRule:
    """A rule with the accepted take's score, where it compares with that."""
    baseline = None if rule.worse_by is None else accepted
    return GateRule(rule.threshold, rule.level, rule.worse_by, baseline)


def _require_check(check: str, project: Project, asked: Shot | Film) -> None:
    known = [*check_names(), GOLDEN_CHECK]
    if check in known:
        return
    if is_own(check):
        place = _find_place(check, project, asked)
        hint = "set the threshold in the check itself"
        raise project.source.error(f"the gate has no rules for one's own {check!r}", place, hint)
    near = get_close_matches(check, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    place = _find_place(check, project, asked)
    raise project.source.error(f"the gate names {check!r}, which is no check", place, hint)


def _find_place(check: str, project: Project, asked: Shot | Film) -> tuple[str, ...]:
    """Where the rule is written: the shot or film itself, its preset, or the defaults."""
    group = "shots" if isinstance(asked, Shot) else "films"
    text = project.source.text
    for place in ((group, asked.name, "gate", check), ("defaults", "gate", check)):
        if ".".join(place[:-1]) in text:
            return place
    return (group, asked.name, "gate", check)
