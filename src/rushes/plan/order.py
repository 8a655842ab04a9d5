"""What a plan would run, in which order, and what is loaded when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rushes.needs import (
    needed_instances,
)
from rushes.plan.entries import list_parts
from rushes.plan.nodes import Node, Plan
from rushes.stages.registry import STAGES
from rushes.types import Key

LEAVES = ("export", "assemble", "check", "golden", "gate")
"""Stages whose results a build is for; what lies before them is only made if they need it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One node to run. ``name`` is the first shot or film that needs it."""

    node: Node
    name: str
    attempt: int
    loads: tuple[str, ...]


def order_work(plan: Plan, is_present: Callable[[Key], bool], *, ahead: bool = False) -> list[Step]:
    """Nodes that have to run, stage by stage, so that each part of a model is loaded once.

    Args:
        is_present: whether a key has a result.
        ahead: take in what is made from shots that are not settled yet, as if these passed.
    """
    found: dict[Node, tuple[str, int]] = {}

    def demand(node: Node, name: str, attempt: int) -> None:
        """Note the node after what it reads; a loop, since a chain may be thousands long."""
        pending = [node]
        while pending:
            last = pending[-1]
            if last in found or (last.key is not None and is_present(last.key)):
                pending.pop()
                continue
            missing = [
                before
                for _, before in last.inputs
                if before not in found and not (before.key and is_present(before.key))
            ]
            if missing:
                pending += missing[::-1]
            else:
                found[last] = (name, attempt)
                pending.pop()

    for shot in plan.shots:
        for stage in LEAVES if shot.ready or ahead else ():
            if stage in shot.kept.nodes:
                demand(shot.kept.nodes[stage], shot.shot.name, shot.kept.attempt)
    for film in plan.films:
        if film.settled or ahead:
            for node in film.nodes.values():
                demand(node, film.film.name, 0)
    groups: dict[Node, int] = {}
    turns: dict[tuple[int, str, int], int] = {}
    for node, (name, attempt) in found.items():
        # a node's own group, or that of a later stage it reads (a film's check)
        before = (groups[other] for _, other in node.inputs if other in found)
        groups[node] = max(STAGES[node.stage].group, *before, 0)
        turns.setdefault((groups[node], name, attempt), len(turns))
    names = list(STAGES)
    ordered = sorted(
        found.items(),
        key=lambda item: (
            groups[item[0]],
            turns[(groups[item[0]], *item[1])],
            names.index(item[0].stage),
        ),
    )
    return _mark_loads(plan, [(node, name, attempt) for node, (name, attempt) in ordered])


def _mark_loads(plan: Plan, ordered: list[tuple[Node, str, int]]) -> list[Step]:
    loaded: set[tuple[str, str]] = set()
    entries = needed_instances(plan.project)
    steps = []
    for node, name, attempt in ordered:
        fresh: tuple[str, ...] = ()
        if node.model in entries:
            environment = plan.environments.get((node.stage, node.model))
            files = None if environment is None else environment.files
            parts = list_parts(entries[node.model], node.stage, files)
            fresh = tuple(part for part in parts if (node.model, part) not in loaded)
            loaded.update((node.model, part) for part in fresh)
        steps.append(Step(node, name, attempt, fresh))
    return steps
