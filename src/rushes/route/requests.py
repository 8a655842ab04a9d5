"""The requests that a project's shots are, and the consent that its policy gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from rushes.catalogue.device import Device
from rushes.errors import UsageError
from rushes.route.question import Question
from rushes.route.route import Consent, Request
from rushes.spec.conditions import used_controls
from rushes.spec.project import Project, Shot
from rushes.spec.read import read_project_file
from rushes.spec.tables import ShotTable


def read_requests(
    project: Project, names: Sequence[str], vram: int | None, device: Device | None
) -> list[Request]:
    """One request a shot, with what it is given, its sound and its length.

    Args:
        names: of shots; none for all.

    Raises:
        UsageError: there is no such shot.
    """
    for name in names:
        if name not in project.shots:
            known = ", ".join(project.shots)
            raise UsageError(f"there is no shot {name!r}", hint=f"shots: {known}")
    file, _ = read_project_file(project.folder)
    limit = project.vram if vram is None else vram
    question = Question("generate", project.use, vram=limit, device=device)
    return [
        _request_of(project.shots[name], file.shots[name], question)
        for name in names or project.shots
    ]


def _request_of(shot: Shot, table: ShotTable, question: Question) -> Request:
    controls = [key for key in used_controls(table) if key != "audio" or shot.sound == "model"]
    if shot.conditions.control is not None:
        controls.append(shot.conditions.control.kind)
    seconds = float(shot.shape.seconds)
    asked = replace(
        question,
        controls=tuple(controls),
        sound=shot.sound == "model" and shot.model.latents.audio is not None,
        max_seconds=seconds,
        stated=shot.model.name,
    )
    return Request(shot.name, asked, round(seconds, 3))


def read_consent(project: Project) -> Consent:
    """What the project's policy says of paid models."""
    policy = project.policy
    return Consent(policy.paid, tuple(policy.providers), Decimal(str(policy.budget_usd)))
