"""What a plan's nodes ask of a device: equal work is one task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rushes.catalogue.model import Model
from rushes.plan.memory.choose import Demand
from rushes.plan.memory.predict import Task
from rushes.plan.memory.quantities import describe_node, name_work
from rushes.plan.memory.restate import find_stated_footprint
from rushes.plan.nodes import Node


@dataclass(frozen=True, slots=True)
class Demands:
    """Of all nodes.

    Args:
        models: one demand a model, in order of first use.
        tasks: by node; a node whose model was never traced is not among them.
        untraced: ids of such models.
    """

    models: tuple[Demand, ...]
    tasks: Mapping[Node, Task]
    untraced: tuple[str, ...]


def find_demands(nodes: Iterable[Node], models: Mapping[str, Model]) -> Demands:
    """The tasks of the nodes that load a model.

    Args:
        models: the generators, by instance; readers are not traced.
    """
    tasks: dict[Node, Task] = {}
    known: dict[tuple[object, ...], Task] = {}
    counts: dict[str, dict[Task, int]] = {}
    footprints = {name: find_stated_footprint(model) for name, model in models.items()}
    untraced: dict[str, None] = {}
    for node in nodes:
        if node.model is None or node.stage == "generate":
            continue
        model = models.get(node.model)
        footprint = footprints.get(node.model)
        stage = name_work(node)
        if model is None or footprint is None or stage not in footprint.stages:
            untraced[node.model] = None
            continue
        shapes, passes = describe_node(node, model, footprint.stages[stage])
        same = tuple(tuple(sorted(shape.items())) for shape in shapes)
        identity = (node.model, stage, passes, same)
        if identity not in known:
            known[identity] = Task(footprint, stage, shapes, passes)
        task = tasks[node] = known[identity]
        of_model = counts.setdefault(node.model, {})
        of_model[task] = of_model.get(task, 0) + 1
    demands = tuple(
        Demand(name, next(iter(of_model)).footprint, tuple(of_model.items()))
        for name, of_model in counts.items()
    )
    return Demands(demands, tasks, tuple(untraced))
