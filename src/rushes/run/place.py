"""Finished clips from the store into ``out/``: copies, verified, and only where they differ."""

from __future__ import annotations

from pathlib import Path

from rushes.store.files import copy_durable
from rushes.store.store import Store
from rushes.types import Digest

OUT_FOLDER = "out"


def place_clips(store: Store, folder: Path, clips: dict[str, Digest]) -> None:
    """Make ``out/NAME`` hold the object it should.

    Args:
        folder: the project's.
        clips: file name in ``out/`` to the digest of its bytes.

    Raises:
        CorruptObject: an object is missing or was changed; it is thrown away.
        StoreFull: no space left.
    """
    out = folder / OUT_FOLDER
    there = [out / name for name in clips if (out / name).is_file()]
    found = store.digest_files(there)
    for name, digest in clips.items():
        target = (out / name).absolute()
        if found.get(target) == digest:
            continue
        copy_durable(store.objects.read(digest), target)
