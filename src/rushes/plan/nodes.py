"""Nodes, takes and plans: what a build would do, decided before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from rushes.plan.windows import Window
from rushes.spec.given import SourceFile
from rushes.spec.project import Film, Mend, Project, Shot
from rushes.stages.base import Params
from rushes.types import Key


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One run of a stage. Equal work is one node: nodes are compared by identity.

    Args:
        key: None where the weights or the toolchain it depends on are not locked yet.
        inputs: the name each input has for the stage, and its node.
        model: id of the checkpoint it loads.
        files: what it reads from outside the project's graph, by the input's name.
    """

    key: Key | None
    stage: str
    params: Params
    inputs: tuple[tuple[str, Node], ...]
    model: str | None = None
    files: tuple[tuple[str, SourceFile], ...] = ()


MAKERS = ("denoise", "repair")
"""Stages that make a clip's latents."""


def find_verdict(nodes: Mapping[str, Node]) -> Node:
    """The node that decides: the project's gate where there are rules, else the checks."""
    return nodes.get("gate") or nodes["check"]


@dataclass(frozen=True, slots=True)
class Take:
    """One attempt at a shot: its nodes in order, by label.

    A label is the stage, with a number where a take has several of it: ``denoise``, ``denoise.2``.

    Args:
        last: the last denoise's window; what extends this shot begins after it.
        mends: what was made again of the take that its seed gives.
        added: checks that it is judged by besides those of its shot.
    """

    shot: Shot
    attempt: int
    seed: int
    nodes: dict[str, Node]
    last: Window
    mends: tuple[Mend, ...] = ()
    added: int = 0

    @property
    def verdict(self) -> Node:
        """The node that decides whether the take passes."""
        return find_verdict(self.nodes)

    @property
    def sound(self) -> Node | None:
        """The node that made the clip's sound; None for a clip without."""
        made = self.nodes.get("decode_audio") or self.nodes.get("cut_track")
        if made is None and self.shot.remote is not None and self.shot.sound == "model":
            return self.nodes["generate"]
        return made

    @property
    def frames(self) -> Node:
        """The node that made the clip's picture."""
        return self.nodes.get("decode_video") or self.nodes["generate"]

    @property
    def latents(self) -> Node:
        """The node that made the end of the clip."""
        return [node for node in self.nodes.values() if node.stage in MAKERS][-1]


@dataclass(frozen=True, slots=True)
class ShotPlan:
    """A shot's takes so far.

    Args:
        settled: a verdict is known for the take that will be kept.
        ready: the shots that it is made from are settled, so that it may run.
        stopped: why no further take is tried although some are left; "" where that is not so.
    """

    shot: Shot
    takes: tuple[Take, ...]
    kept: Take
    settled: bool
    ready: bool
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class FilmPlan:
    """A film over the kept takes; settled when all of its shots are."""

    film: Film
    nodes: dict[str, Node]
    settled: bool


class Row(NamedTuple):
    """A node and where it is: the shot or film, the attempt, its label there."""

    name: str
    attempt: int
    label: str
    node: Node


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

    def rows(self) -> Iterator[Row]:
        """Every node of every kept take, in file order."""
        for shot in self.shots:
            for label, node in shot.kept.nodes.items():
                yield Row(shot.shot.name, shot.kept.attempt, label, node)
        for film in self.films:
            for label, node in film.nodes.items():
                yield Row(film.film.name, 0, label, node)

    def keys(self) -> set[Key]:
        """Keys of all nodes, of every take."""
        takes = (take for shot in self.shots for take in shot.takes)
        nodes = [node for take in takes for node in take.nodes.values()]
        nodes += [node for film in self.films for node in film.nodes.values()]
        return {node.key for node in nodes if node.key is not None}
