"""Takes that a person accepted: kept in rushes.lock, made again under ``--locked``, and what
``worse_by`` compares with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from rushes.canon import digest_value
from rushes.spec.given import RetakePart
from rushes.spec.project import Mend, Project, Shot
from rushes.types import Digest


class AcceptedMend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What of the take was made again: frames from and up to, and of which part."""

    spans: list[list[int]]
    part: RetakePart
    seed: int


class AcceptedTake(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A take by its seed.

    Args:
        request: a digest of what was asked for; where that is another now, the seed says nothing.
        scores: by check, as they were when it was accepted.
        repairs: made after the seed's own take, in order.
    """

    seed: int
    request: Digest
    scores: dict[str, float] = {}
    repairs: list[AcceptedMend] = []


def describe_request(shot: Shot) -> Digest:
    """A digest of what decides which take a seed gives, as the project states it: the prompt, the
    model, the shape and the seed. Versions and weights are not in it: they are what an accepted
    take is held against."""
    shape = (shot.shape.frames, shot.shape.height, shot.shape.width, shot.shape.fps)
    asked = (shot.template, list(shot.variables), shot.negative, shot.model.name, shot.seed)
    return digest_value([*asked, list(shape)])


def accept_take(shot: Shot, seed: int, mends: tuple[Mend, ...], rows: object) -> AcceptedTake:
    """The entry of a take.

    Args:
        shot: as the project says it.
        rows: the take's verdicts, as they are stored.
    """
    verdicts = msgspec.convert(rows, list[dict[str, object]])
    scores = {str(row["check"]): msgspec.convert(row["score"], float) for row in verdicts}
    repairs = [AcceptedMend([list(span) for span in m.spans], m.part, m.seed) for m in mends]
    return AcceptedTake(seed, describe_request(shot), scores, repairs)


def use_accepted(project: Project, accepted: Mapping[str, AcceptedTake]) -> Project:
    """The project with each accepted take in place of the takes to try; a take of something else
    than the project asks for now is left aside."""
    shots = {
        name: _use(shot, accepted[name])
        if name in accepted and accepted[name].request == describe_request(shot)
        else shot
        for name, shot in project.shots.items()
    }
    return replace(project, shots=shots)


def list_stale(project: Project, accepted: Mapping[str, AcceptedTake]) -> list[str]:
    """Shots whose accepted take is of something else than the project asks for now."""
    shots = project.shots
    return [
        name
        for name, take in accepted.items()
        if name in shots and take.request != describe_request(shots[name])
    ]


def _use(shot: Shot, take: AcceptedTake) -> Shot:
    mended = tuple(
        Mend(tuple((low, high) for low, high in mend.spans), mend.part, mend.seed)
        for mend in take.repairs
    )
    return replace(shot, seed=take.seed, attempts=1, mended=mended)
