"""Nodes, takes and plans: what a build would do, decided before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rushes.spec.project import Film, Project, Shot
from rushes.stages.base import Params
from rushes.types import Key


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One run of a stage. Equal work is one node: nodes are compared by identity.

    Args:
        key: None where the weights or the toolchain it depends on are not locked yet.
        inputs: the name each input has for the stage, and its node.
        model: name of the checkpoint it loads.
    """

    key: Key | None
    stage: str
    params: Params
    inputs: tuple[tuple[str, Node], ...]
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Take:
    """One attempt at a shot: its chain of nodes by stage, in order."""

    shot: Shot
    attempt: int
    seed: int
    nodes: dict[str, Node]


@dataclass(frozen=True, slots=True)
class ShotPlan:
    """A shot's takes so far. ``settled``: a verdict is known for the one that will be kept."""

    shot: Shot
    takes: tuple[Take, ...]
    kept: Take
    settled: bool


@dataclass(frozen=True, slots=True)
class FilmPlan:
    """A film over the kept takes; settled when all of its shots are."""

    film: Film
    nodes: dict[str, Node]
    settled: bool


@dataclass(frozen=True, slots=True)
class Environment:
    """What decides a stage's key besides params and inputs, the same for all its nodes."""

    version: int
    files: dict[str, str]
    toolchain: dict[str, str]
    numerics: dict[str, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """A frozen graph. ``environments`` by (stage, model or None)."""

    project: Project
    shots: tuple[ShotPlan, ...]
    films: tuple[FilmPlan, ...]
    environments: dict[tuple[str, str | None], Environment]

    def rows(self) -> Iterator[tuple[str, int, Node]]:
        """(shot or film, attempt, node) of every kept take, in file order."""
        for shot in self.shots:
            for node in shot.kept.nodes.values():
                yield shot.shot.name, shot.kept.attempt, node
        for film in self.films:
            for node in film.nodes.values():
                yield film.film.name, 0, node

    def keys(self) -> set[Key]:
        """Keys of all nodes, of every take."""
        takes = (take for shot in self.shots for take in shot.takes)
        nodes = [node for take in takes for node in take.nodes.values()]
        nodes += [node for film in self.films for node in film.nodes.values()]
        return {node.key for node in nodes if node.key is not None}
