"""The node that decides by the project's rules, where there are any, and the golden take's."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cached_property

from rushes.accepted import find_scores
from rushes.checks.own import is_own, read_names
from rushes.checks.question import is_question
from rushes.checks.registry import check_names
from rushes.lock import Lock
from rushes.plan.nodes import Node
from rushes.plan.takes import MakeNode
from rushes.spec.gate import Rule
from rushes.spec.project import Film, Project, Shot
from rushes.stages.gate import GateParams, GateRule
from rushes.stages.golden import NAME as GOLDEN_CHECK
from rushes.stages.golden import GoldenParams


class Gates:
    """Adds ``golden`` and ``gate`` to the nodes of takes and films; neither where nothing is asked.

    Args:
        make: makes a node.
    """

    def __init__(self, make: MakeNode, project: Project, lock: Lock) -> None:
        self.make, self.project, self.lock = make, project, lock

    def add(self, asked: Shot | Film, nodes: dict[str, Node]) -> None:
        """Add them to the nodes of a take of ``asked``, or of a film.

        Raises:
            ProjectError: a rule is for a check that does not exist.
        """
        inputs = [("verdicts", nodes["check"])]
        golden = asked.golden if isinstance(asked, Shot) else None
        if golden is not None and golden.file is not None:
            clip = [("clip", nodes["export"])]
            files = (("golden", golden.file),)
            nodes["golden"] = self.make("golden", GoldenParams(), clip, None, files)
            inputs.append(("golden", nodes["golden"]))
        if not asked.gate and len(inputs) == 1:
            return
        for check, _ in asked.gate:
            self._require_check(check, asked)
        if isinstance(asked, Shot):
            asked = self.project.shots[asked.name]  # a take that others make is held to the same
        nodes["gate"] = self.make("gate", GateParams(list_rules(self.lock, asked)), inputs)

    def _require_check(self, check: str, asked: Shot | Film) -> None:
        known = [*check_names(), GOLDEN_CHECK]
        if check in known or check in self._questions or check in self._own_names:
            return
        place, hint = self._find_place(check, asked), f"known: {', '.join(known)}"
        near = get_close_matches(check, [*known, *self._questions, *self._own_names], n=1)
        if is_own(check):
            hint = "a file's check is named as its CHECK is: gate.NAME"
        elif near:
            hint = f"did you mean {near[0]!r}?"
        raise self.project.source.error(f"the gate names {check!r}, which is no check", place, hint)

    @cached_property
    def _named(self) -> frozenset[str]:
        """All that shots and films name as checks."""
        shots = {shot.checks for shot in self.project.shots.values()}
        films = {film.checks for film in self.project.films.values()}
        return frozenset(check for checks in shots | films for check in checks)

    @cached_property
    def _questions(self) -> frozenset[str]:
        return frozenset(check for check in self._named if is_question(check))

    @cached_property
    def _own_names(self) -> frozenset[str]:
        """Words of which the names of the project's own checks are some: files are not run here."""
        files = [self.project.folder / check for check in self._named if is_own(check)]
        return frozenset[str]().union(*(read_names(file) for file in files))

    def _find_place(self, check: str, asked: Shot | Film) -> tuple[str, ...]:
        """Where the rule is written: the shot or film itself, its preset, or the defaults."""
        group = "shots" if isinstance(asked, Shot) else "films"
        text = self.project.source.text
        for place in ((group, asked.name, "gate", check), ("defaults", "gate", check)):
            if ".".join(place[:-1]) in text:
                return place
        return (group, asked.name, "gate", check)


def list_rules(lock: Lock, asked: Shot | Film) -> tuple[tuple[str, GateRule], ...]:
    """The rules of a shot or film as the project says it, with the scores of the shot's accepted
    take; those of a take of something else are no measure."""
    scores = find_scores(asked, lock.accepted) if isinstance(asked, Shot) else {}
    return tuple((check, _make_rule(rule, scores.get(check))) for check, rule in asked.gate)


def _make_rule(rule: Rule, accepted: float | None) -> GateRule:
    """A rule with the accepted take's score, where it compares with that."""
    baseline = None if rule.worse_by is None else accepted
    return GateRule(rule.threshold, rule.level, rule.worse_by, baseline)
