"""Where in a TOML file a key stands, for error messages.

tomllib gives values without positions. Errors are rare, so the file is scanned only when there is
one to report.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence

_HEADER = re.compile(r"^\s*\[\[?(?P<path>[^\[\]]+)\]\]?\s*(#.*)?$")
_PAIR = re.compile(
    r"^\s*(?P<path>(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')"
    r"(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'))*)\s*="
)


def find_line(text: str, path: Sequence[str]) -> int | None:
    """The 1-based line of the key at ``path``, or of the nearest table above it that is written.

    Args:
        text: the file.
        path: for example ``("shots", "opening", "prompt")``.

    Returns:
        None where not even the first part of the path is written.
    """
    wanted = list(path)
    best: tuple[int, int] | None = None
    table: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _split_path(header["path"])
            here = table
        elif pair := _PAIR.match(line):
            here = table + _split_path(pair["path"])
        else:
            continue
        depth = len(here)
        if wanted[:depth] == here and (best is None or depth > best[0]):
            best = (depth, number)
    return best[1] if best else None


def _split_path(dotted: str) -> list[str]:
    """``a."b.c".d`` as its parts, by TOML's own rules."""
    try:
        value: object = tomllib.loads(f"{dotted.strip()} = 0")
    except tomllib.TOMLDecodeError:
        return []
    parts: list[str] = []
    while isinstance(value, dict):
        key = next(iter(value))
        parts.append(key)
        value = value[key]
    return parts
