"""Which files a command over many means: files, folders, patterns, and lists of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from rushes.errors import UsageError

VIDEO_SUFFIXES = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg",
    ".wmv", ".flv", ".ogv", ".3gp", ".mxf",
)  # fmt: skip
"""What counts as a video in a folder; a file that is named counts whatever it is called."""
LIST_SUFFIXES = (".txt", ".list")


def list_sources(words: Iterable[str], folder: Path) -> list[Path]:
    """Files in the order in which they are meant, each once.

    A folder stands for all videos below it, sorted; ``*`` and ``?`` for what they match; a text
    file for the paths in it, one a line, and ``-`` for those on standard input. What a list names
    is taken as it is: a file that is gone is an error of its own, later.

    Raises:
        UsageError: a word means nothing.
    """
    found: dict[Path, None] = {}
    for word in words:
        many = list(_expand(word, folder))
        if not many:
            raise UsageError(
                f"{word} holds no videos", hint="name files, folders, or a list (.txt) of them"
            )
        found.update(dict.fromkeys(many))
    return list(found)


def _expand(word: str, folder: Path) -> Iterator[Path]:
    path = folder / word
    if word == "-":
        yield from _read_list(sys.stdin, folder)
    elif path.is_dir():
        yield from _walk(path)
    elif path.is_file():
        if path.suffix.lower() in LIST_SUFFIXES:
            with path.open(encoding="utf-8", errors="surrogateescape") as lines:
                yield from _read_list(lines, path.parent)
        else:
            yield path
    elif any(sign in word for sign in "*?["):
        root = Path("/") if word.startswith("/") else folder
        yield from sorted(p for p in root.glob(word.lstrip("/")) if p.is_file())
    else:
        raise UsageError(f"there is no file {word}", where=word)


def _read_list(lines: Iterable[str], folder: Path) -> Iterator[Path]:
    for line in lines:
        if (name := line.strip()) and not name.startswith("#"):
            yield folder / name


def _walk(folder: Path) -> Iterator[Path]:
    """Videos below a folder, but for folders whose names begin with a dot."""
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if Path(name).suffix.lower() in VIDEO_SUFFIXES and not name.startswith("."):
                yield Path(here, name)
