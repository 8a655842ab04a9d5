"""Opening files through PyAV, and the one place where its errors become ours."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import av
from av.container import InputContainer

from rushes.errors import MediaError, StoreFull

BITEXACT = 1 << 23
"""``AV_CODEC_FLAG_BITEXACT``: no encoder version in the stream (libavcodec/avcodec.h)."""

TEXT_FORMATS = frozenset({"tty"})
"""Demuxers that turn any text file into a picture of its letters."""


@contextmanager
def map_errors(what: str, path: str | Path | BinaryIO) -> Iterator[None]:
    """Turn what PyAV raises into this project's errors.

    Args:
        what: the act, as ``cannot read``; it begins the message.
        path: the file it is about.

    Raises:
        StoreFull: the disk is full.
        MediaError: anything else.
    """
    place = name_of(path)
    try:
        yield
    except (av.FFmpegError, OSError, ValueError) as exc:
        number = getattr(exc, "errno", None)
        if number == errno.ENOSPC:
            raise StoreFull(
                f"{what} {place}: no space left",
                where=place,
                hint="free some space, or run `rushes cache gc`",
            ) from exc
        reason, hint = _explain(exc, number, path)
        raise MediaError(f"{what} {place}: {reason}", where=place, hint=hint) from exc


def name_of(path: str | Path | BinaryIO) -> str:
    """How messages call a file."""
    if isinstance(path, (str, Path)):
        return str(path)
    return str(getattr(path, "name", "a stream in memory"))


def open_input(path: str | Path) -> InputContainer:
    """Open a local media file; playlists in it may name local files only, never the network.

    Raises:
        MediaError: missing, a directory, empty, or not a media file.
    """
    with map_errors("cannot read", path):
        container = av.open(
            f"file:{path}", "r", options={"protocol_whitelist": "file"}, metadata_errors="replace"
        )
    if container.format.name in TEXT_FORMATS or not (
        container.streams.video or container.streams.audio
    ):
        container.close()
        raise MediaError(
            f"cannot read {path}: there is neither picture nor sound in it",
            where=str(path),
            hint="give a video or audio file",
        )
    return container


def _explain(
    exc: Exception, number: int | None, path: str | Path | BinaryIO
) -> tuple[str, str | None]:
    if number == errno.ENOENT:
        return "there is no such file", "check the path"
    if number == errno.EISDIR:
        return "it is a directory", "name a file in it"
    if number in (errno.EACCES, errno.EPERM):
        return "permission denied", "check the file's permissions"
    if isinstance(exc, (av.InvalidDataError, av.EOFError)):
        return _explain_invalid(path)
    return str(getattr(exc, "strerror", None) or exc), None


def _explain_invalid(path: str | Path | BinaryIO) -> tuple[str, str | None]:
    if not isinstance(path, (str, Path)):
        return "it is not a media file", None
    try:
        with open(path, "rb") as file:
            head = file.read(64)
    except OSError:
        head = b"?"
    if not head:
        return "it is empty", "make or download it again"
    if head[4:8] == b"ftyp":
        return (
            "its index is missing or damaged, as in a file cut short",
            "make or download it again",
        )
    return "it is not a media file, or its beginning is damaged", "give a video or audio file"
