"""Objects: files named by the SHA-256 of their bytes.

An object is written elsewhere, synced and renamed, so that its name never stands for a part of it;
it is verified when it is read, so that its name never stands for other bytes.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from rushes.errors import CorruptObject
from rushes.store.files import digest_file, map_os_errors, move_into_place
from rushes.types import Digest

Stamp = tuple[int, int, int, int]


def stamp_of(path: Path) -> Stamp:
    """What changes when a file is changed: inode, size, and the times of content and of inode."""
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


class LocalObjects:
    """Objects in a folder, two characters of fan-out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._verified: dict[Digest, Stamp] = {}

    def path_of(self, digest: Digest) -> Path:
        """Where the object is, or would be."""
        return self.folder / digest[:2] / digest[2:]

    def has(self, digest: Digest) -> bool:
        """Whether a file of this name is there; says nothing about its bytes."""
        return self.path_of(digest).exists()

    def put(self, file: Path) -> tuple[Digest, int]:
        """Take a file into the store; it is moved, not copied.

        Returns:
            Its digest and its size in bytes.

        Raises:
            StoreFull: no space left.
        """
        with map_os_errors("storing a result", self.folder):
            digest, nbytes = digest_file(file), file.stat().st_size
            target = self.path_of(digest)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.chmod(file, 0o444)
            move_into_place(file, target)
        return digest, nbytes

    def read(self, digest: Digest) -> Path:
        """The path of an object whose bytes have been verified by this process.

        Raises:
            CorruptObject: it is missing, or its bytes are others; in that case it is thrown away.
        """
        path = self.path_of(digest)
        try:
            stamp = stamp_of(path)
        except FileNotFoundError as exc:
            raise CorruptObject(f"object {digest[:12]} is missing", digest=digest) from exc
        if self._verified.get(digest) == stamp:
            return path
        with map_os_errors("reading an object", path):
            found = digest_file(path)
        if found != digest:
            self.drop(digest)
            raise CorruptObject(
                f"object {digest[:12]} was changed on the disk; it is thrown away and made again",
                digest=digest,
            )
        self._verified[digest] = stamp
        return path

    def drop(self, digest: Digest) -> None:
        """Remove an object, if it is there."""
        self._verified.pop(digest, None)
        with contextlib.suppress(FileNotFoundError):
            self.path_of(digest).unlink()

    def list(self) -> Iterator[tuple[Digest, Path]]:
        """All objects."""
        for fan in sorted(self.folder.glob("[0-9a-f][0-9a-f]")):
            for path in sorted(fan.iterdir()):
                yield Digest(fan.name + path.name), path
