"""What a signed clip says of itself: who made it, with which model, from which lock.

The manifest follows the C2PA specification 2.2 (https://spec.c2pa.org): ``c2pa.created`` with the
IPTC's digital source type, and an assertion of our own with what a rebuild needs. Prompts are not
in it: a clip is published, its prompt may not be meant to be.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from rushes.report.manifest import ClipRecord, Manifest, ModelRecord
from rushes.types import Digest

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
"""IPTC's vocabulary, which C2PA names its source types by."""
GENERATED = "trainedAlgorithmicMedia"
COMPOSED = "compositeWithTrainedAlgorithmicMedia"
"""Where footage or sound that a user gave is itself in the clip."""
BUILD_LABEL = "org.rushes.build"


class ModelClaim(msgspec.Struct, frozen=True):
    """A model that made pictures or sound of the clip."""

    name: str
    licence: str
    licence_url: str


class Claim(msgspec.Struct, frozen=True):
    """The assertion ``org.rushes.build``, which the sidecar repeats.

    Args:
        clip: file name.
        sha256: of the unsigned clip, whose bytes a rebuild gives again.
        lock_sha256: of rushes.lock, as ``sha256sum`` prints it.
        checks: whether the clip passed its checks.
        source_type: a name of IPTC's vocabulary.
    """

    project: str
    name: str
    clip: str
    sha256: Digest
    lock_sha256: Digest
    rushes: str
    models: tuple[ModelClaim, ...]
    checks: str
    source_type: str


def make_claims(
    manifest: Manifest, lock_sha256: Digest, given: Mapping[str, bool]
) -> dict[str, Claim]:
    """One claim for every clip that landed, by the clip's file name.

    Args:
        given: by shot, whether footage or sound from outside is part of its clip.
    """
    clips = {clip.name: clip for clip in manifest.clips}
    models = {model.name: model for model in manifest.models}
    claims = (
        _make_claim(clip, clips, models, manifest, lock_sha256, given)
        for clip in manifest.clips
        if clip.path is not None and clip.sha256 is not None
    )
    return {claim.clip: claim for claim in claims}


def _make_claim(
    clip: ClipRecord,
    clips: Mapping[str, ClipRecord],
    models: Mapping[str, ModelRecord],
    manifest: Manifest,
    lock_sha256: Digest,
    given: Mapping[str, bool],
) -> Claim:
    assert clip.path is not None
    assert clip.sha256 is not None
    parts = [clips[name] for name in clip.shots if name in clips] or [clip]
    used = dict.fromkeys(part.model for part in parts if part.model in models)
    composed = any(given.get(part.name, False) for part in parts)
    return Claim(
        project=manifest.project,
        name=clip.name,
        clip=Path(clip.path).name,
        sha256=clip.sha256,
        lock_sha256=lock_sha256,
        rushes=manifest.rushes,
        models=tuple(
            ModelClaim(m.name, m.licence, m.licence_url)
            for m in (models[name] for name in used if name is not None)
        ),
        checks=clip.status,
        source_type=COMPOSED if composed else GENERATED,
    )


def describe_claim(claim: Claim) -> dict[str, object]:
    """The manifest definition that the C2PA library signs."""
    created: dict[str, object] = {
        "action": "c2pa.created",
        "digitalSourceType": SOURCE_TYPES + claim.source_type,
    }
    if claim.models:
        created["softwareAgent"] = {"name": claim.models[0].name}
    return {
        "claim_generator_info": [{"name": "Rushes", "version": claim.rushes}],
        "title": claim.clip,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [created]}},
            {"label": BUILD_LABEL, "data": msgspec.to_builtins(claim)},
        ],
    }


def describe_plainly(claim: Claim) -> str:
    """One line for the container's comment, which any player shows."""
    names = ", ".join(model.name for model in claim.models) or "a model"
    kind = "partly made" if claim.source_type == COMPOSED else "made"
    return f"{kind} by a generative model ({names}); digital source type {claim.source_type}"
