"""Text of other people in HTML and XML, and numbers for people."""

from __future__ import annotations

import html
import math
import re

# What XML 1.0 allows is tab, line feed, carriage return and these ranges (production Char).
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean_text(text: object) -> str:
    """Text with every character that XML cannot hold replaced by U+FFFD."""
    return _NOT_XML.sub("\ufffd", str(text))


def escape(text: object) -> str:
    """Text for an HTML element or a quoted attribute."""
    return html.escape(clean_text(text), quote=True)


def show_seconds(seconds: float) -> str:
    """A duration."""
    if seconds >= 59.95:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest} s"
    return f"{seconds:.1f} s" if seconds >= 0.95 else f"{seconds * 1000:.0f} ms"


def show_number(value: object) -> str:
    """A score or a measurement, to four digits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "—" if value is None else str(value)
    if isinstance(value, int):
        return str(value)
    return f"{value:.4g}" if math.isfinite(value) else "—"


def show_bytes(nbytes: float) -> str:
    """A size, in powers of ten."""
    for unit in ("B", "kB", "MB"):
        if nbytes < 1000:
            return f"{nbytes:.0f} {unit}" if unit == "B" else f"{nbytes:.1f} {unit}"
        nbytes /= 1000
    return f"{nbytes:.1f} GB"


def count_of(number: int, noun: str) -> str:
    """``1 shot``, ``2 shots``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
