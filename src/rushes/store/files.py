"""Durable files: written beside, synced, renamed; and digests of files."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rushes.errors import StoreError, StoreFull
from rushes.types import Digest

BLOCK = 1 << 20


@contextmanager
def map_os_errors(doing: str, where: Path) -> Iterator[None]:
    """Turn an OSError into the store's own error; a full disk into :class:`StoreFull`."""
    try:
        yield
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFull(
                f"no space left on the disk while {doing}",
                where=str(where),
                hint="free some space (rushes cache gc), then run the same command again",
            ) from exc
        raise StoreError(f"{doing} failed: {exc.strerror or exc}", where=str(where)) from exc


def digest_file(path: Path) -> Digest:
    """SHA-256 of a file's bytes, read in blocks."""
    sha = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK):
            sha.update(block)
    return Digest(sha.hexdigest())


def sync_file(path: Path) -> None:
    """Force a file's bytes to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(path: Path) -> None:
    """Force a folder's entries to the disk, so that a rename in it survives a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def move_into_place(source: Path, target: Path) -> None:
    """Sync ``source`` and rename it to ``target`` (same file system), replacing what was there."""
    sync_file(source)
    os.replace(source, target)
    sync_folder(target.parent)


def write_durable(target: Path, data: bytes) -> None:
    """Write a small file so that it is there whole, or as it was before.

    Raises:
        StoreFull: no space.
        StoreError: any other failure.
    """
    with map_os_errors(f"writing {target.name}", target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temp = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
        try:
            temp.write_bytes(data)
            move_into_place(temp, target)
        finally:
            with contextlib.suppress(OSError):
                temp.unlink(missing_ok=True)


def copy_durable(source: Path, target: Path) -> None:
    """Copy a file (never link it) so that ``target`` is whole or as it was before."""
    with map_os_errors(f"writing {target.name}", target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temp = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
        try:
            shutil.copyfile(source, temp)
            move_into_place(temp, target)
        finally:
            with contextlib.suppress(OSError):
                temp.unlink(missing_ok=True)
