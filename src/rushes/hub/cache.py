"""The Hugging Face cache on this machine: ``models--OWNER--NAME`` with refs, snapshots and blobs.

Where it lies is said by ``HF_HUB_CACHE`` or ``HF_HOME``, as for every other program that uses it.
"""

from __future__ import annotations

import re
from pathlib import Path

from rushes.store.files import write_durable

COMMIT = re.compile(r"[0-9a-f]{40}")


def hub_folder() -> Path:
    """The folder of all repositories."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def links_folder() -> Path:
    """Where checkpoints are put together from files of the cache, by links."""
    from huggingface_hub import constants

    return Path(constants.HF_HOME) / "rushes"


def repo_folder(repo: str) -> Path:
    """The folder of one repository, ``owner/name``."""
    return hub_folder() / f"models--{repo.replace('/', '--')}"


def find_commit(repo: str, revision: str) -> str | None:
    """The commit that a branch or tag was when it was last fetched; None where it never was."""
    if COMMIT.fullmatch(revision):
        return revision
    try:
        commit = (repo_folder(repo) / "refs" / revision).read_text("utf-8").strip()
    except OSError:
        return None
    return commit if COMMIT.fullmatch(commit) else None


def snapshot_folder(repo: str, commit: str) -> Path:
    """Where the files of a commit lie, as far as they were fetched."""
    return repo_folder(repo) / "snapshots" / commit


def list_snapshot(repo: str, commit: str) -> list[str]:
    """Names of the files of a commit that are here, with ``/``."""
    folder = snapshot_folder(repo, commit)
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def keep_commit(repo: str, revision: str, commit: str) -> None:
    """Note which commit a branch or tag is."""
    if not COMMIT.fullmatch(revision):
        write_durable(repo_folder(repo) / "refs" / revision, commit.encode())
