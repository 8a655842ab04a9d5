"""Values to canonical bytes to a digest.

Keys are digests of what decides an output, so the same value must always give the same bytes, on
any machine and in any process. What has no such form is refused: no pickle, no repr, no path, no
clock. Frozen dataclasses and msgspec structs count as the mapping of their fields.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from rushes.types import Digest


class NotCanonical(TypeError):
    """The value has no canonical form; this is a fault of the program, not of its user."""


def encode_value(value: object) -> bytes:
    """Canonical bytes of a value.

    Each item is ``<tag><payload>`` with its length, so that no two different values share bytes:
    ``1`` and ``1.0`` and ``"1"`` and ``True`` differ; ``-0.0`` is ``0.0``; the order of a mapping's
    keys does not matter.

    Raises:
        NotCanonical: on NaN, infinities, sets, paths, and anything not named in this module.
    """
    out: list[bytes] = []
    try:
        _encode(value, out)
    except ValueError as exc:  # a lone surrogate, or an integer of thousands of digits
        raise NotCanonical(f"it has no canonical form: {exc}") from exc
    return b"".join(out)


def digest_bytes(data: bytes) -> Digest:
    """SHA-256 of bytes."""
    return Digest(hashlib.sha256(data).hexdigest())


def digest_value(value: object) -> Digest:
    """SHA-256 of a value's canonical bytes."""
    return digest_bytes(encode_value(value))


def _encode(value: Any, out: list[bytes]) -> None:
    kind = type(value)
    if kind is str:
        data = value.encode("utf-8", "strict")
        out.append(b"s%d:" % len(data))
        out.append(data)
    elif kind is bool:
        out.append(b"t" if value else b"f")
    elif kind is int:
        out.append(b"i%d;" % value)
    elif kind is float:
        if not math.isfinite(value):
            raise NotCanonical(f"{value} has no canonical form")
        out.append(b"d" + (value + 0.0).hex().encode() + b";")
    elif value is None:
        out.append(b"n")
    elif kind is bytes:
        out.append(b"b%d:" % len(value))
        out.append(value)
    elif kind in (list, tuple):
        out.append(b"l%d:" % len(value))
        for item in value:
            _encode(item, out)
    elif isinstance(value, Mapping):
        _encode_mapping(value, out)
    else:
        head, names = _describe_fields(kind)  # type: ignore[arg-type]
        out.append(head)
        for name, encoded in names:
            out.append(encoded)
            _encode(getattr(value, name), out)


@cache
def _describe_fields(kind: type) -> tuple[bytes, list[tuple[str, bytes]]]:
    """How a frozen dataclass or a struct begins, and its fields in order with their bytes."""
    if is_dataclass(kind):
        names = [field.name for field in fields(kind)]
    elif hasattr(kind, "__struct_fields__"):
        names = list(kind.__struct_fields__)
    else:
        raise NotCanonical(f"{kind.__name__} has no canonical form")
    return b"m%d:" % len(names), [(name, encode_value(name)) for name in sorted(names)]


def _encode_mapping(value: Mapping[Any, Any], out: list[bytes]) -> None:
    if any(type(key) is not str for key in value):
        raise NotCanonical("a mapping with keys other than text has no canonical form")
    out.append(b"m%d:" % len(value))
    for key in sorted(value):
        _encode(key, out)
        _encode(value[key], out)
