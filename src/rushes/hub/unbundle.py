"""Read a bundle into the Hugging Face cache; see :mod:`rushes.hub.bundle`.

It trusts nothing: members are plain files of repositories that the catalogue knows, they are never
extracted by their names, and what is on the machine already is not replaced.
"""

from __future__ import annotations

import hashlib
import os
import re
import tarfile
import uuid
from pathlib import Path
from typing import IO

import msgspec

from rushes.catalogue.load import (
    find_entry,
    find_model,
    find_named,
    find_reader_entry,
    model_names,
    reader_names,
)
from rushes.errors import HubError, UsageError
from rushes.hub.bundle import MANIFEST, BundledFile, Manifest, Say
from rushes.hub.cache import COMMIT, keep_commit, repo_folder, snapshot_folder
from rushes.hub.choose import LOADED, choose_files, find_fault, revisions_of
from rushes.store.files import BLOCK, digest_file, map_os_errors

MANIFEST_BYTES = 16_000_000
_SAFE = re.compile(r"[\w.-]+(/[\w.-]+)*")


def read_bundle(path: Path, say: Say) -> Manifest:
    """Put the models of a bundle into the Hugging Face cache.

    Raises:
        UsageError: there is no such file.
        HubError: it is not a bundle, is damaged, or holds what it should not; nothing of the file
            at fault stays, and no revision is noted.
        StoreError: the cache cannot be written.
    """
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    try:
        with tarfile.open(path, "r:") as tar:
            manifest = _read_manifest(tar, path)
            _read_members(tar, manifest, path, say)
    except (tarfile.TarError, EOFError) as exc:
        raise _bad(path, f"it cannot be read: {exc}") from exc
    for repo, bundled in manifest.repos.items():
        keep_commit(repo, bundled.revision, bundled.commit)
    return manifest


def _read_manifest(tar: tarfile.TarFile, path: Path) -> Manifest:
    member = tar.next()
    if member is None or member.name != MANIFEST or not member.isreg():
        raise _bad(path, f"{MANIFEST} is not its first member")
    if member.size > MANIFEST_BYTES:
        raise _bad(path, f"its {MANIFEST} is too large")
    try:
        manifest = msgspec.json.decode(_open(tar, member).read(), type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise _bad(path, f"its {MANIFEST} is wrong: {exc}") from exc
    if manifest.version != 1:
        raise _bad(path, f"it has version {manifest.version}; this Rushes reads 1")
    known = _known_repos()
    for repo, bundled in manifest.repos.items():
        if repo not in known:
            raise _bad(path, f"no model of the catalogue comes from {repo!r}")
        if not COMMIT.fullmatch(bundled.commit) or bundled.revision != known[repo]:
            raise _bad(path, f"it names a wrong commit or revision of {repo}")
        for name in bundled.files:
            if not _is_safe(name):
                raise _bad(path, f"{name!r} is not a file that a checkpoint has")
    _check_whole(manifest, path)
    return manifest


def _check_whole(manifest: Manifest, path: Path) -> None:
    for name in manifest.models:
        try:
            model = find_entry(name)
        except UsageError as exc:
            raise _bad(path, exc.message) from exc
        for repo in revisions_of(model):
            files = manifest.repos[repo].files if repo in manifest.repos else {}
            if fault := find_fault(model, repo, files, choose_files(model, repo, files)):
                raise _bad(path, f"{name} is not whole in it: {fault}")


def _read_members(tar: tarfile.TarFile, manifest: Manifest, path: Path, say: Say) -> None:
    """Take each file that the manifest names, once, and nothing else."""
    waiting = {
        f"{repo}/{name}": (repo, name) for repo, r in manifest.repos.items() for name in r.files
    }
    while (member := tar.next()) is not None:
        if not member.isreg() or member.name not in waiting:
            raise _bad(path, f"{member.name!r} is not named in its {MANIFEST}, or is no plain file")
        repo, name = waiting.pop(member.name)
        bundled = manifest.repos[repo].files[name]
        if member.size != bundled.nbytes:
            raise _bad(path, f"{member.name} has another size than its {MANIFEST} says")
        say(f"{member.name}, {member.size / 1e6:.1f} MB")
        target = snapshot_folder(repo, manifest.repos[repo].commit) / name
        with map_os_errors("unpacking a bundle", target):
            _place(_open(tar, member), repo, target, bundled, path)
    if waiting:
        raise _bad(path, f"it ends before {min(waiting)}")


def _place(source: IO[bytes], repo: str, target: Path, file: BundledFile, path: Path) -> None:
    """Write a file as the cache keeps it: a blob by its digest, and a link to it."""
    if target.exists():
        if digest_file(target) != file.sha256:
            raise _bad(path, f"{target.name} of {repo} is on this machine with other bytes")
        return
    blob = repo_folder(repo) / "blobs" / file.sha256
    blob.parent.mkdir(parents=True, exist_ok=True)
    temp = blob.with_name(f"{blob.name}.{uuid.uuid4().hex[:8]}.incomplete")
    try:
        sha = hashlib.sha256()
        with temp.open("wb") as out:
            while block := source.read(BLOCK):
                sha.update(block)
                out.write(block)
        if sha.hexdigest() != file.sha256:
            raise _bad(path, f"{target.name} of {repo} is not what its {MANIFEST} says it is")
        os.replace(temp, blob)
    finally:
        temp.unlink(missing_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)  # a link that leads nowhere
    target.symlink_to(os.path.relpath(blob, target.parent))


def _known_repos() -> dict[str, str]:
    """Every repository of the catalogue, with the revision that is asked for."""
    known: dict[str, str] = {}
    for name in model_names():
        model = find_model(name)
        chosen = [model, *(find_named(f"{name}:{variant}") for variant in model.variants)]
        for one in chosen:
            known |= revisions_of(one)
    for name in reader_names():
        known |= revisions_of(find_reader_entry(name))
    return known


def _is_safe(name: str) -> bool:
    """Whether a path stays where it is put, and is of a kind that is loaded."""
    parts = name.split("/")
    plain = _SAFE.fullmatch(name) is not None and not {".", ".."} & set(parts)
    return plain and len(parts) <= 3 and name.endswith(LOADED)


def _open(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = tar.extractfile(member)
    assert file is not None, "a plain file"
    return file


def _bad(path: Path, why: str) -> HubError:
    return HubError(
        f"{path.name} is not a bundle that can be used: {why}",
        where=str(path),
        hint="make it again with: rushes models bundle NAME --to FILE.tar",
    )
