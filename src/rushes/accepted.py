"""Takes that a person accepted: kept in rushes.lock, made again under ``--locked``, and what
``worse_by`` compares with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from rushes.canon import digest_value
from rushes.spec.given import Conditions, RetakePart, SourceFile
from rushes.spec.project import Mend, Project, Shot
from rushes.stages.repair import why_whole
from rushes.types import Digest


class AcceptedMend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What of the take was made again: frames from and up to, and of which part."""

    spans: list[list[int]]
    part: RetakePart
    seed: int


class AcceptedTake(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A take by its seed.

    Args:
        request: a digest of what was asked for; where that is another now, neither the seed nor
            the scores say anything.
        scores: by check, as they were when it was accepted.
        repairs: made after the seed's own take, in order.
        drawn_from: the shot's seed, of which ``seed`` is derived for takes after the first.
    """

    seed: int
    request: Digest
    scores: dict[str, float] = {}
    repairs: list[AcceptedMend] = []
    drawn_from: int = 0


def describe_request(shot: Shot) -> Digest:
    """A digest of what a shot asks for, as the project states it: the prompt, the model, the shape
    and what it is given. The seed is not in it, nor are settings, versions and weights: they are
    what an accepted take is held against."""
    shape = [shot.shape.frames, shot.shape.height, shot.shape.width, shot.shape.fps, shot.upscale]
    said = [shot.template, list(shot.variables), shot.negative, shot.model.name]
    return digest_value([*said, shape, _describe_given(shot.conditions)])


def _describe_given(given: Conditions) -> list[object]:
    """What a shot is given, files by their digests."""
    made_from = [given.audio, given.extend, given.video, given.mask]
    control, retake = given.control, given.retake
    return [
        [[picture.key, picture.frame, picture.file.sha256] for picture in given.pictures],
        [file.sha256 if isinstance(file, SourceFile) else file for file in made_from],
        None if retake is None else [retake.start, retake.end, retake.what],
        [file.sha256 for file in given.references],
        None if control is None else [control.kind, control.file.sha256],
    ]


def accept_take(shot: Shot, seed: int, mends: tuple[Mend, ...], rows: object) -> AcceptedTake:
    """The entry of a take.

    Args:
        shot: as the project says it.
        rows: the take's verdicts, as they are stored.
    """
    verdicts = msgspec.convert(rows, list[dict[str, object]])
    scores = {str(row["check"]): msgspec.convert(row["score"], float) for row in verdicts}
    repairs = [AcceptedMend([list(span) for span in m.spans], m.part, m.seed) for m in mends]
    return AcceptedTake(seed, describe_request(shot), scores, repairs, shot.seed)


def find_scores(shot: Shot, accepted: Mapping[str, AcceptedTake]) -> Mapping[str, float]:
    """The accepted take's scores by check, where the shot asks for the same as that take did."""
    take = accepted.get(shot.name)
    return {} if take is None or take.request != describe_request(shot) else take.scores


def why_stale(shot: Shot, take: AcceptedTake) -> str:
    """Why an accepted take is not made again, as what is said of it; "" where it is.

    Args:
        shot: as the project says it, without what a command line overrides.
    """
    if take.request != describe_request(shot):
        return (
            "is of another prompt, model or shape, or was given something else, and is neither "
            "made again nor compared with"
        )
    if take.drawn_from != shot.seed:
        return f"was drawn from seed {take.drawn_from}, not {shot.seed}, and is not made again"
    if take.repairs and (why := why_whole(shot)):
        return f"was repaired, which the shot cannot be now ({why}), and is not made again"
    return ""


def use_accepted(project: Project, accepted: Mapping[str, AcceptedTake]) -> Project:
    """The project with each accepted take in place of the takes to try; a stale one is left
    aside."""
    shots = {
        name: _use(shot, accepted[name])
        if name in accepted and not why_stale(shot, accepted[name])
        else shot
        for name, shot in project.shots.items()
    }
    return replace(project, shots=shots)


def hold_accepted(project: Project, accepted: Mapping[str, AcceptedTake]) -> Project:
    """The same with those that are stale for the shot's seed, or for repair that is off, alone:
    the project may go back to them."""
    shots = dict(project.shots)
    for name, take in accepted.items():
        shot = shots.get(name)
        if shot is not None and not why_stale(
            replace(shot, seed=take.drawn_from, repair=True), take
        ):
            shots[name] = _use(shot, take)
    return replace(project, shots=shots)


def explain_stale(project: Project, accepted: Mapping[str, AcceptedTake]) -> dict[str, str]:
    """Why accepted takes are not made again, by shot; in file order."""
    reasons = {
        name: why_stale(shot, accepted[name])
        for name, shot in project.shots.items()
        if name in accepted
    }
    return {name: why for name, why in reasons.items() if why}


def _use(shot: Shot, take: AcceptedTake) -> Shot:
    mended = tuple(
        Mend(tuple((low, high) for low, high in mend.spans), mend.part, mend.seed)
        for mend in take.repairs
    )
    return replace(shot, seed=take.seed, attempts=1, mended=mended)
