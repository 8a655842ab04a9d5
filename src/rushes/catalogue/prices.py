"""The price list: one line a price, with where and when it was read; a file may override it."""

from __future__ import annotations

import datetime as dt
import tomllib
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from rushes.errors import UsageError


class PriceLine(Struct, frozen=True, forbid_unknown_fields=True):
    """One price.

    Args:
        usd: as text, since money is decimal.
        per: what it buys: a second of video, an item (a clip, a question), an hour of a GPU.
        date: on which it was read, YYYY-MM-DD.
    """

    name: str
    usd: str
    per: Literal["second", "item", "hour"]
    source: str
    date: str
    about: str = ""
    read: Literal["text", "second-hand"] = "text"

    @property
    def amount(self) -> Decimal:
        """The price."""
        return Decimal(self.usd)

    def age_days(self, today: dt.date) -> int:
        """Since it was read."""
        return (today - dt.date.fromisoformat(self.date)).days


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    prices: list[PriceLine]


def read_prices(override: Path | None = None) -> dict[str, PriceLine]:
    """All lines by name; those of ``override`` win.

    Raises:
        UsageError: the file cannot be read, or a line of it is wrong.
    """
    text = resources.files("rushes.catalogue").joinpath("prices.toml").read_text("utf-8")
    lines = {line.name: line for line in _parse(text, "prices.toml")}
    if override is not None:
        try:
            text = override.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise UsageError(
                f"{override} cannot be read", hint="--prices takes a TOML file"
            ) from exc
        lines |= {line.name: line for line in _parse(text, str(override))}
    return lines


def _parse(text: str, where: str) -> list[PriceLine]:
    hint = '[[prices]] with name, usd = "0.10", per = "second", source and date = "2026-11-21"'
    try:
        lines = msgspec.convert(tomllib.loads(text), _File).prices
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as exc:
        raise UsageError(f"the price list is wrong: {exc}", where=where, hint=hint) from exc
    for line in lines:
        try:
            fine = line.amount.is_finite() and line.amount >= 0
            dt.date.fromisoformat(line.date)
        except (ArithmeticError, ValueError):
            fine = False
        if not fine:
            raise UsageError(f"the price of {line.name!r} is wrong", where=where, hint=hint)
    return lines


def find_price(name: str, lines: dict[str, PriceLine]) -> PriceLine:
    """The line of a name.

    Raises:
        UsageError: there is none.
    """
    if name not in lines:
        raise UsageError(f"the price list has no {name!r}", hint=f"known: {', '.join(lines)}")
    return lines[name]
