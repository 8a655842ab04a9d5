"""What a shot or film asks of its checks beyond what each is calibrated for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from msgspec import UNSET

Level = Literal["fail", "warn"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What the gate asks of one check.

    Args:
        threshold: the score that it needs, in place of the check's own; None leaves that.
        level: whether a failure refuses the clip or is only told.
        worse_by: how far the score may lie below that of the accepted take; None asks nothing.
    """

    threshold: float | None = None
    level: Level = "fail"
    worse_by: float | None = None


Rules = tuple[tuple[str, Rule], ...]
"""By check, in the order of their names."""


def resolve_gate(tables: Iterable[Any]) -> Rules:
    """Merge ``gate`` tables key by key, nearest first."""
    said: dict[str, dict[str, Any]] = {}
    for table in reversed(list(tables)):
        for check, gate in ({} if table.gate is UNSET else table.gate).items():
            keys = ((key, getattr(gate, key)) for key in gate.__struct_fields__)
            said.setdefault(check, {}).update((k, v) for k, v in keys if v is not UNSET)
    return tuple((check, Rule(**keys)) for check, keys in sorted(said.items()))
