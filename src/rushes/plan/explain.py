"""Why a node runs: two descriptions of a graph compared, in words."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import groupby

import msgspec

from rushes.errors import UsageError
from rushes.plan.nodes import Node, Plan, Row, Take
from rushes.stages.gate import GateParams, describe_rule
from rushes.types import Key


class NodeRecord(msgspec.Struct, frozen=True):
    """One node of a graph, by what decides its key."""

    key: Key | None
    model: str | None
    params: dict[str, object]
    inputs: dict[str, str]


class EnvironmentRecord(msgspec.Struct, frozen=True):
    """What all nodes of a stage and model share."""

    version: int
    files: dict[str, str]
    toolchain: dict[str, str]
    numerics: dict[str, str]


class GraphRecord(msgspec.Struct, frozen=True):
    """A plan's kept takes: nodes by shot or film and stage, environments by ``stage@model``."""

    nodes: dict[str, dict[str, NodeRecord]] = {}
    environments: dict[str, EnvironmentRecord] = {}


class Answer(msgspec.Struct, frozen=True):
    """Why one stage would run, or why not."""

    shot: str
    stage: str
    key: Key | None
    runs: bool
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """A node that is not what it was. No reasons: only its inputs changed."""

    name: str
    stage: str
    kind: str
    reasons: tuple[str, ...]
    followers: tuple[str, ...]

    def describe(self) -> str:
        """For example ``seed 7 → 8; 5 stages after it follow``."""
        text = "; ".join(self.reasons) if self.reasons else "what it reads has changed"
        count = len(self.followers)
        if not count:
            return text
        return f"{text}; {count} stage{'s' * (count > 1)} after it follow{'s' * (count == 1)}"


def record_graph(plan: Plan) -> GraphRecord:
    """A plan as a record that can be kept and compared."""
    nodes: dict[str, dict[str, NodeRecord]] = {}
    seeds = {shot.shot.name: shot.kept.seed for shot in plan.shots}
    places: dict[Node, str] = {}
    for row in plan.rows():
        places.setdefault(row.node, f"{row.name}:{row.label}")
    for name, chain in groupby(plan.rows(), key=lambda row: row.name):
        rows = list(chain)
        own = {row.node: f"{name}:{row.label}" for row in rows}
        nodes[name] = {
            row.label: NodeRecord(
                row.node.key,
                row.node.model,
                _readable_params(seeds, row),
                {label: own.get(node, places[node]) for label, node in row.node.inputs},
            )
            for row in rows
        }
    return GraphRecord(nodes, record_environments(plan))


def record_nodes(name: str, take: Take) -> dict[str, NodeRecord]:
    """One take by label; what it reads of other shots is named by its stage."""
    own = {node: f"{name}:{label}" for label, node in take.nodes.items()}
    rows = [Row(name, take.attempt, label, node) for label, node in take.nodes.items()]
    return {
        row.label: NodeRecord(
            row.node.key,
            row.node.model,
            _readable_params({name: take.seed}, row),
            {label: own.get(node, node.stage) for label, node in row.node.inputs},
        )
        for row in rows
    }


def record_environments(plan: Plan) -> dict[str, EnvironmentRecord]:
    """The plan's environments by ``stage@model``."""
    return {
        f"{stage}@{model}" if model else stage: EnvironmentRecord(
            env.version, env.files, env.toolchain, env.numerics
        )
        for (stage, model), env in plan.environments.items()
    }


def _readable_params(seeds: Mapping[str, int], row: Row) -> dict[str, object]:
    """As in a manifest. A stage's seed is derived; people know the attempt's."""
    params: dict[str, object] = msgspec.json.decode(msgspec.json.encode(row.node.params))
    if row.node.stage == "denoise":
        params["seed"] = seeds[row.name]
    if isinstance(row.node.params, GateParams):
        params = {f"gate of {check}": describe_rule(rule) for check, rule in row.node.params.rules}
    params.update({name: file.sha256[:12] for name, file in row.node.files})
    return params


def compare_graphs(before: GraphRecord, after: GraphRecord) -> list[Change]:
    """All differences, in the order of the later graph; what was removed comes last."""
    readers = _find_readers(after)
    changes: list[Change] = []
    for name in after.nodes:
        changes += _compare_chain(name, before, after, readers)
    for name in before.nodes:
        if name not in after.nodes:
            changes.append(Change(name, "", "removed", ("removed",), ()))
    return changes


def _compare_chain(
    name: str, before: GraphRecord, after: GraphRecord, readers: Mapping[str, list[str]]
) -> list[Change]:
    stages = after.nodes[name]
    if name not in before.nodes:
        return [Change(name, "", "added", ("new",), tuple(f"{name}:{s}" for s in stages))]
    changes = []
    for stage, node in stages.items():
        old = before.nodes[name].get(stage)
        if old is not None and old.key == node.key and old.key is not None:
            continue
        reasons = ["new"] if old is None else _reasons(stage, old, node, before, after)
        if not reasons and old is not None and old.key is None and node.key is None:
            continue
        followers = _followers(f"{name}:{stage}", readers) if reasons else []
        changes.append(Change(name, stage, "changed", tuple(reasons), tuple(followers)))
    return changes


def explain_place(
    place: str, before: GraphRecord, after: GraphRecord, stored: Collection[Key]
) -> list[Answer]:
    """Why each stage of ``SHOT`` or the one of ``SHOT:STAGE`` would run, or would not.

    Args:
        before: the graph of the last build.
        stored: keys that have a result.

    Raises:
        UsageError: there is no such shot, film or stage.
    """
    name, _, stage = place.partition(":")
    if name not in after.nodes:
        known = ", ".join(list(after.nodes)[:12])
        raise UsageError(f"there is no shot or film {name!r}", hint=f"there is: {known}")
    stages = after.nodes[name]
    if stage and stage not in stages:
        raise UsageError(f"{name} has no stage {stage!r}", hint=f"it has: {', '.join(stages)}")
    chain = _compare_chain(name, before, after, _find_readers(after))
    changes = {change.stage: change for change in chain}
    return [
        _answer(name, each, stages[each], changes.get(each), name in before.nodes, stored)
        for each in ([stage] if stage else stages)
    ]


def _answer(
    name: str,
    stage: str,
    node: NodeRecord,
    change: Change | None,
    built: bool,
    stored: Collection[Key],
) -> Answer:
    runs = node.key is None or node.key not in stored
    verb = "would run: " if runs else "is stored, nothing to run"
    if change is not None:
        text = change.describe()
        text = f"{verb}{text}" if runs else f"{verb} ({text} since the last build; made before)"
        return Answer(name, stage, node.key, runs, text)
    if node.key is None:
        reason = "the weights or the toolchain are not locked yet"
    elif not built:
        reason = "it was not built before"
    else:
        reason = "its result is not in the store any more"
    text = f"{verb}{reason}" if runs else f"{verb}: nothing it depends on has changed"
    return Answer(name, stage, node.key, runs, text)


def _reasons(
    stage: str, old: NodeRecord, new: NodeRecord, before: GraphRecord, after: GraphRecord
) -> list[str]:
    """Own reasons of a node, in words; none where only its inputs changed."""
    reasons = _differences(old.params, new.params)
    if _checkpoint(old) != _checkpoint(new):
        reasons.append(f"model {_checkpoint(old)} → {_checkpoint(new)}")
    if old.inputs != new.inputs:
        reasons += _differences(old.inputs, new.inputs)
    stage = stage.partition(".")[0]
    was = before.environments.get(f"{stage}@{old.model}" if old.model else stage)
    now = after.environments.get(f"{stage}@{new.model}" if new.model else stage)
    if was is None or now is None:
        return reasons + (["weights or toolchain not locked yet"] if was is not now else [])
    if was.version != now.version:
        reasons.append(f"stage version {was.version} → {now.version}")
    if _checkpoint(old) == _checkpoint(new):
        paths = sorted(was.files.keys() | now.files.keys())
        changed = [path for path in paths if was.files.get(path) != now.files.get(path)]
        reasons += [f"weights {path} changed" for path in changed[:3]]
    reasons += _differences(was.toolchain, now.toolchain)
    reasons += _differences(was.numerics, now.numerics)
    return reasons


def _checkpoint(node: NodeRecord) -> str | None:
    """The node's checkpoint; numerics that are stated have reasons of their own."""
    return None if node.model is None else node.model.partition("@")[0]


def _differences(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    found = []
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            found.append(f"{name} {_show(old.get(name))} → {_show(new.get(name))}")
    return found


def _show(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return f"“{value}”" if " " in value or not value else value
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(" ".join(map(str, v)) if isinstance(v, list) else str(v) for v in value)
    return str(value)


def _find_readers(graph: GraphRecord) -> dict[str, list[str]]:
    """For each ``name:stage``, those that read it."""
    readers: dict[str, list[str]] = {}
    for name, stages in graph.nodes.items():
        for stage, node in stages.items():
            for place in dict.fromkeys(node.inputs.values()):
                readers.setdefault(place, []).append(f"{name}:{stage}")
    return readers


def _followers(place: str, readers: Mapping[str, list[str]]) -> list[str]:
    """Everything that reads this place, directly or not."""
    reached: dict[str, None] = {}
    pending = [place]
    while pending:
        for reader in readers.get(pending.pop(), ()):
            if reader not in reached:
                reached[reader] = None
                pending.append(reader)
    return list(reached)
