"""Where in a TOML file a key stands, for error messages.

tomllib gives values without positions. Errors are rare, so the file is scanned only when there is
one to report.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence

_HEADER = re.compile(r"^\s*\[\[?(?P<path>[^\[\]]+)\]\]?\s*(#.*)?$")
_TOKENS = re.compile(
    r"""\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|\#[^\n]*""",
    re.DOTALL,
)
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
    lines = _TOKENS.sub(_blank_long_text, text).split("\n")
    for number, line in enumerate(lines, start=1):
        if header := _HEADER.match(line):
            table = _split_path(header["path"])
            here = table
        elif pair := _PAIR.match(line):
            here = table + _split_path(pair["path"])
        else:
            continue
        depth = min(len(here), len(wanted))
        if wanted[:depth] == here[:depth] and (best is None or depth > best[0]):
            best = (depth, number)
    return best[1] if best else None


def _blank_long_text(token: re.Match[str]) -> str:
    """Nothing but line ends in place of a text of many lines: what it holds is no TOML."""
    is_long = token[0].startswith(('"""', "'''"))
    return "\n" * token[0].count("\n") if is_long else token[0]


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
