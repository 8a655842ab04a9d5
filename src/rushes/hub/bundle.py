"""Models in one uncompressed tar, for machines without a network.

The first member, ``manifest.json``, names every other one with its size and SHA-256.
:mod:`rushes.hub.unbundle` reads it.
"""

from __future__ import annotations

import io
import os
import tarfile
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from rushes.catalogue.reader import Entry
from rushes.catalogue.source import HubSource
from rushes.errors import UsageError
from rushes.hub.choose import revisions_of
from rushes.hub.find import find_pieces, pin_model
from rushes.store.files import digest_file, map_os_errors
from rushes.types import Digest

MANIFEST = "manifest.json"

Say = Callable[[str], None]


class BundledFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a repository."""

    sha256: Digest
    nbytes: int


class BundledRepo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One repository at one commit; ``revision`` is the branch or tag that it was asked for by."""

    revision: str
    commit: str
    files: dict[str, BundledFile]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a bundle holds: models by id, repositories by name."""

    version: int
    models: list[str]
    repos: dict[str, BundledRepo]


def write_bundle(models: Iterable[Entry], target: Path, say: Say) -> Manifest:
    """Put models that are on this machine into one file.

    Raises:
        UsageError: a model is not one of the hub, or the file exists.
        WeightsMissing: one is not on this machine.
        StoreError: the file cannot be written.
    """
    if target.exists():
        raise UsageError(f"{target} exists already", hint="name another file, or remove it first")
    ids: list[str] = []
    paths: dict[str, Path] = {}
    repos: dict[str, BundledRepo] = {}
    for model in models:
        if not isinstance(model.source, HubSource):
            raise UsageError(f"{model.id} travels in a package; there is nothing to bundle")
        revisions = revisions_of(model)
        ids.append(model.id)
        for piece in find_pieces(pin_model(model)):
            paths[f"{piece.repo}/{piece.remote}"] = piece.path
            repo = repos.setdefault(
                piece.repo, BundledRepo(revisions[piece.repo], piece.commit, {})
            )
            say(f"reading {piece.repo}/{piece.remote}")
            repo.files[piece.remote] = BundledFile(
                digest_file(piece.path), piece.path.stat().st_size
            )
    manifest = Manifest(1, ids, repos)
    with map_os_errors("writing a bundle", target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temp = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
        try:
            with tarfile.open(temp, "w:", format=tarfile.PAX_FORMAT) as tar:
                text = msgspec.json.format(msgspec.json.encode(manifest))
                tar.addfile(_member(MANIFEST, len(text)), io.BytesIO(text))
                for name, path in paths.items():
                    with path.open("rb") as file:
                        tar.addfile(_member(name, path.stat().st_size), file)
            os.replace(temp, target)
        finally:
            temp.unlink(missing_ok=True)
    return manifest


def _member(name: str, nbytes: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = nbytes, 0o644
    return member
