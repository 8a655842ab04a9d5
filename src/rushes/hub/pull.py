"""Fetch a model from the hub into the Hugging Face cache, and check what came."""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rushes.catalogue.reader import Entry
from rushes.catalogue.source import HubSource
from rushes.errors import HubError, HubUnreachable, LockRefused, Refused, StoreFull, UsageError
from rushes.hub.cache import COMMIT, hub_folder, keep_commit, repo_folder, snapshot_folder
from rushes.hub.choose import choose_files, find_fault, revisions_of
from rushes.hub.find import find_checkpoint, find_pieces, is_here, pin_model
from rushes.hub.halves import count_halves, fetch_large
from rushes.store.files import BLOCK, digest_file

SPARE_BYTES = 1_000_000_000
"""Room that a download leaves on the disk."""
WORKERS = 8

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Pulled:
    """A model that is on this machine.

    Args:
        folder: its checkpoint. fetched: bytes that were not here before.
    """

    model: Entry
    folder: Path
    files: int
    nbytes: int
    fetched: int


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as the hub lists it: SHA-256 where it keeps one, else git's own SHA-1."""

    nbytes: int
    sha256: str | None
    sha1: str | None


def pull_model(model: Entry, say: Say) -> Pulled:
    """Fetch what is missing of a model, and check every file against the hub's own digests.

    Files that are here are not fetched again; a connection that breaks is taken up where it broke,
    and so is a large file that another process left half done.

    Args:
        say: told what happens, a line each.

    Raises:
        UsageError: the model is not one of the hub.
        Refused: its terms have to be accepted first.
        HubError: the hub cannot be reached, does not have it, or gave other bytes than it names.
        LockRefused: the repository holds no safetensors of a part.
        StoreFull: the disk has no room for it.
    """
    if not isinstance(model.source, HubSource):
        raise UsageError(f"{model.id} does not come from the hub; there is nothing to fetch")
    commits, fetched = {}, 0
    try:
        for repo, revision in revisions_of(model).items():
            commit, files = list_repository(repo, revision)
            fetched += _pull_repository(model, repo, commit, files, say)
            keep_commit(repo, revision, commit)
            commits[repo] = commit
    except HubUnreachable as exc:
        if not is_here(model):
            raise
        say(f"{exc.message}; {model.id} is on this machine already")
    return describe_pulled(pin_model(model, commits), fetched)


def list_repository(repo: str, revision: str) -> tuple[str, dict[str, RemoteFile]]:
    """The commit that a revision is, and the files of it.

    Raises:
        Refused, HubError: as :func:`pull_model`.
    """
    from huggingface_hub import HfApi

    with map_hub_errors(repo, revision):
        info = HfApi(endpoint=_endpoint()).model_info(repo, revision=revision, files_metadata=True)
    if info.sha is None or not COMMIT.fullmatch(info.sha):
        raise HubError(f"the hub names no commit for {repo} at {revision!r}")
    files = {}
    for entry in info.siblings or []:
        sha256 = None if entry.lfs is None else entry.lfs.sha256
        files[entry.rfilename] = RemoteFile(entry.size or 0, sha256, entry.blob_id)
    return info.sha, files


@contextmanager
def map_hub_errors(repo: str, revision: str) -> Iterator[None]:
    """Turn the errors of the hub's client into those of Rushes."""
    import httpx2
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as exc:
        raise Refused(
            f"{repo} asks that its terms be accepted before it is fetched",
            where=f"{_endpoint() or 'https://huggingface.co'}/{repo}",
            hint="accept them there, then say who you are: hf auth login, or HF_TOKEN",
        ) from exc
    except errors.RevisionNotFoundError as exc:
        raise HubError(f"{repo} has no revision {revision!r}") from exc
    except errors.RepositoryNotFoundError as exc:
        raise HubError(
            f"the hub has no {repo}, or does not show it to you",
            hint="if it is private or gated, say who you are: hf auth login, or HF_TOKEN",
        ) from exc
    except errors.OfflineModeIsEnabled as exc:
        raise HubUnreachable(
            f"HF_HUB_OFFLINE forbids to ask the hub for {repo}",
            hint="fetch it elsewhere and carry it: rushes models bundle NAME --to FILE.tar",
        ) from exc
    except errors.HfHubHTTPError as exc:
        code = exc.response.status_code
        hint = "say who you are: hf auth login, or HF_TOKEN" if code in (401, 403) else None
        raise HubError(f"the hub answers {code} for {repo}", hint=hint) from exc
    except (errors.LocalEntryNotFoundError, errors.FileMetadataError, httpx2.HTTPError) as exc:
        raise _unreachable(repo, exc) from exc
    except OSError as exc:
        if "onsistency check" in str(exc):
            raise HubError(
                f"a file of {repo} came incomplete", hint="run the same command again"
            ) from exc
        raise HubError(f"fetching {repo} failed: {exc}") from exc


def _pull_repository(
    model: Entry, repo: str, commit: str, files: dict[str, RemoteFile], say: Say
) -> int:
    """Fetch the chosen files of one commit; returns how many bytes were not here."""
    chosen = choose_files(model, repo, files)
    if fault := find_fault(model, repo, files, chosen):
        raise LockRefused(
            f"{repo} cannot be used: {fault}",
            hint="only safetensors are loaded; look for a repository in diffusers' layout",
        )
    folder = snapshot_folder(repo, commit)
    wanted = {remote: files[remote] for remote in chosen.values()}
    missing = {name: f for name, f in wanted.items() if not (folder / name).exists()}
    nbytes = sum(file.nbytes for file in missing.values())
    if missing:
        halves = {name: f.sha256 for name, f in missing.items() if f.sha256 is not None}
        here = count_halves(repo, halves)
        _check_room(nbytes - here)
        of_it = f", {here / 1e9:.2f} GB of it here" if here else ""
        what = f"{len(missing)} files of {repo} at {commit[:12]}"
        say(f"fetching {what}, {nbytes / 1e9:.2f} GB{of_it}")
        large = {name: (sha256, files[name].nbytes) for name, sha256 in halves.items()}
        _download(repo, commit, list(wanted), large)
    whole = sum(file.nbytes for file in wanted.values())
    say(f"checking {len(wanted)} files of {repo}, {whole / 1e9:.2f} GB")
    for name, file in wanted.items():
        _check_file(repo, folder / name, name, file)
    return nbytes


def _download(
    repo: str, commit: str, names: list[str], large: Mapping[str, tuple[str, int]]
) -> None:
    """Fetch files into the cache; ``large``: those with a SHA-256, with it and their size."""
    from huggingface_hub import snapshot_download

    with map_hub_errors(repo, commit):
        fetch_large(repo, commit, large, _endpoint(), WORKERS)
        snapshot_download(
            repo,
            revision=commit,
            allow_patterns=[glob.escape(name) for name in names],
            max_workers=WORKERS,
            endpoint=_endpoint(),
        )


def _check_file(repo: str, path: Path, name: str, file: RemoteFile) -> None:
    """Refuse a file whose bytes are not those that the hub names; it is removed.

    Raises:
        HubError: it differs, or did not come.
    """
    if not path.exists():
        raise HubError(f"{name} of {repo} did not come", hint="run the same command again")
    if file.sha256 is not None:
        right = digest_file(path) == file.sha256
    elif file.sha1 is not None:
        right = _digest_git(path) == file.sha1
    else:
        right = path.stat().st_size == file.nbytes
    if not right:
        blob = path.resolve()
        path.unlink()
        if repo_folder(repo) in blob.parents:
            blob.unlink(missing_ok=True)
        raise HubError(
            f"{name} of {repo} is not what the hub says it is, and was removed",
            where=str(path),
            hint="run the same command again; if it stays so, something between changes the bytes",
        )


def _digest_git(path: Path) -> str:
    """What git calls the bytes of a file."""
    sha = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK):
            sha.update(block)
    return sha.hexdigest()


def _check_room(nbytes: int) -> None:
    folder = hub_folder()
    place = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    free = shutil.disk_usage(place).free
    if nbytes + SPARE_BYTES > free:
        raise StoreFull(
            f"{nbytes / 1e9:.1f} GB are to be fetched, and {free / 1e9:.1f} GB are free",
            where=str(folder),
            hint="free some space, or let HF_HOME name a folder on another disk",
        )


def describe_pulled(model: Entry, fetched: int = 0) -> Pulled:
    """What there is of a model on this machine.

    Raises:
        WeightsMissing: it is not here, or not whole.
    """
    model = pin_model(model)
    pieces = find_pieces(model)
    nbytes = sum(piece.path.stat().st_size for piece in pieces)
    return Pulled(model, find_checkpoint(model), len(pieces), nbytes, fetched)


def _endpoint() -> str | None:
    return os.environ.get("HF_ENDPOINT") or None


def _unreachable(repo: str, exc: Exception) -> HubUnreachable:
    return HubUnreachable(
        f"the hub cannot be reached for {repo}: {type(exc).__name__}",
        where=_endpoint() or "https://huggingface.co",
        hint="look at the connection, or carry the model: rushes models bundle NAME --to FILE.tar",
    )
