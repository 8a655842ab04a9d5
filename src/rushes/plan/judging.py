"""What the check of one clip depends on besides the clip: packages, prompts, given pictures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rushes.checks.registry import comparing_checks, list_packages, reads_prompt
from rushes.lock import (
    Lock,
)
from rushes.needs import (
    check_entry,
)
from rushes.plan.nodes import Node
from rushes.spec.given import SourceFile
from rushes.spec.project import Shot
from rushes.stages.check import CheckParams
from rushes.stages.render_prompt import fill_template

Packages = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Named:
    """The checks that shots or films name, expanded.

    Args:
        checks: name and version of each.
        packages: names and locked versions of those that only some checks need.
        locked: whether all of these are in the lock.
    """

    checks: tuple[tuple[str, int], ...]
    packages: Packages
    locked: bool
    reads_prompt: bool
    compares: bool


def describe_checks(checks: tuple[tuple[str, int], ...], lock: Lock) -> Named:
    """Pure; the checks exist."""
    names = [name for name, _ in checks]
    entries = [check_entry(name) for name in list_packages(names)]
    found: dict[str, str] = {}
    for entry in entries:
        found.update(lock.toolchains.get(entry, {}))
    return Named(
        checks,
        tuple(sorted(found.items())),
        all(entry in lock.toolchains for entry in entries),
        reads_prompt(names),
        bool(comparing_checks(names)),
    )


def fill_prompts(shots: Iterable[Shot]) -> tuple[str, ...]:
    """The prompts that shots are made from."""
    return tuple(fill_template(shot.template, shot.variables) for shot in shots)


def list_given(shot: Shot) -> list[tuple[int, str, SourceFile]]:
    """Pictures that a shot was given: the frame that has to show it (-1 for a reference), a name
    for it, and the file."""
    conditions = shot.conditions
    frames = [(p.frame, f"picture.{p.frame}", p.file) for p in conditions.pictures]
    references = enumerate(conditions.references)
    return frames + [(-1, f"reference.{n}", file) for n, file in references]


def list_toolchains(nodes: Iterable[Node]) -> set[str]:
    """What rushes.lock calls the toolchains of all that is to run."""
    found: set[str] = set()
    for node in nodes:
        found.add(node.stage)
        if isinstance(node.params, CheckParams):
            names = [name for name, _ in node.params.checks]
            found.update(check_entry(name) for name in list_packages(names))
    return found
