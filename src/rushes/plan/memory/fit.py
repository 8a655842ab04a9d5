"""A whole plan on one device: how every node runs, and what it takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rushes.catalogue.device import Device
from rushes.catalogue.model import Model, Numerics
from rushes.plan.memory.choose import Chooser, StageChoice
from rushes.plan.memory.demand import Demands, find_demands
from rushes.plan.memory.predict import ChosenNumerics
from rushes.plan.nodes import Node


@dataclass(frozen=True, slots=True)
class Target:
    """What is planned for.

    Args:
        limit: bytes that may be taken, overhead included; None for all that the device has.
        said: where the limit comes from, for people: ``--vram 10GB``.
    """

    device: Device
    limit: int | None = None
    said: str = ""

    @property
    def limit_bytes(self) -> int:
        """The limit, or what the device has."""
        return self.device.memory_bytes if self.limit is None else self.limit


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """How the nodes of a plan run on a target.

    Args:
        choices: by node, of those whose model was traced.
        numerics: by model: what is locked, or would be.
        proposed: models whose numerics are not locked yet.
    """

    target: Target
    choices: Mapping[Node, StageChoice]
    numerics: Mapping[str, ChosenNumerics]
    proposed: frozenset[str]
    untraced: tuple[str, ...]

    @property
    def peak_bytes(self) -> int | None:
        """The largest peak of all stages; None where none is known."""
        peaks = [choice.taken.prediction.peak for choice in self.choices.values()]
        return max(peaks, default=None)

    @property
    def misfits(self) -> list[tuple[Node, StageChoice]]:
        """Nodes that fit in no way, the largest first."""
        found = [(node, choice) for node, choice in self.choices.items() if not choice.fits]
        return sorted(found, key=lambda item: -item[1].taken.prediction.peak)


def plan_memory(
    nodes: Iterable[Node],
    models: Iterable[Model],
    target: Target,
    locked: Mapping[str, ChosenNumerics],
    *,
    propose: bool,
) -> MemoryPlan:
    """Choose placements, and numerics for models that are not locked.

    Args:
        locked: numerics by model id, of those in rushes.lock.
        propose: choose numerics for the others; else they compute as they are stored.
    """
    demands = find_demands(nodes, {model.instance: model for model in models})
    chooser = Chooser(target.device, target.limit)
    numerics: dict[str, ChosenNumerics] = dict(locked)
    fresh: dict[str, dict[str, Numerics]] = {}
    if propose:
        fresh = chooser.propose_numerics(demands.models, locked)
        numerics.update(fresh)
    return _assemble(demands, chooser, target, numerics, frozenset(fresh))


def _assemble(
    demands: Demands,
    chooser: Chooser,
    target: Target,
    numerics: Mapping[str, ChosenNumerics],
    proposed: frozenset[str],
) -> MemoryPlan:
    choices = chooser.choose(demands.models, numerics)
    by_node = {
        node: choices[node.model, task]
        for node, task in demands.tasks.items()
        if node.model is not None
    }
    return MemoryPlan(target, by_node, numerics, proposed, demands.untraced)
