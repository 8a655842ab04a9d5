"""Figures that are not known exactly: a low, a likely and a high value, in decimal numbers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal

Side = Literal["low", "likely", "high"]
SIDES: tuple[Side, ...] = ("low", "likely", "high")


@dataclass(frozen=True, slots=True)
class Figure:
    """A quantity of at least 0; ``low <= likely <= high``."""

    low: Decimal
    likely: Decimal
    high: Decimal

    @classmethod
    def exact(cls, value: Decimal) -> Figure:
        """A figure that is known."""
        return cls(value, value, value)

    @property
    def is_exact(self) -> bool:
        return self.low == self.high

    def at(self, side: Side) -> Decimal:
        """One of its values."""
        return {"low": self.low, "likely": self.likely, "high": self.high}[side]

    def times(self, factor: Decimal) -> Figure:
        """Scaled by a factor of at least 0."""
        return Figure(self.low * factor, self.likely * factor, self.high * factor)

    def widen(self, share: Decimal) -> Figure:
        """An exact figure that may be off by a share either way; a stated range stays as it is."""
        if not self.is_exact:
            return self
        return Figure(self.likely * (1 - share), self.likely, self.likely * (1 + share))

    def __str__(self) -> str:
        if self.is_exact:
            return show_number(self.likely)
        return f"{show_number(self.low)} to {show_number(self.high)}"


def parse_figure(text: str) -> Figure | None:
    """``0.05``, or a range ``0.04..0.06``, whose middle is likely; None where it is neither."""
    parts = text.split("..")
    if len(parts) > 2:
        return None
    try:
        values = [Decimal(part.strip().removeprefix("$").replace("_", "")) for part in parts]
    except InvalidOperation:
        return None
    if not all(value.is_finite() and 0 <= value < Decimal(10) ** 15 for value in values):
        return None
    low, high = values[0], values[-1]
    return Figure(low, (low + high) / 2, high) if low <= high else None


def parse_share(text: str) -> Decimal | None:
    """``10%`` or ``0.1``: 0 to 1; None where it is neither."""
    figure = parse_figure(text.removesuffix("%"))
    if figure is None or not figure.is_exact:
        return None
    share = figure.likely / 100 if text.endswith("%") else figure.likely
    return share if share <= 1 else None


def show_number(value: Decimal) -> str:
    """Without trailing zeros, with commas: ``28,800``, ``0.05``."""
    text = f"{value:,.4f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def show_usd(value: Decimal) -> str:
    """Two decimals, and four below a dollar where they say more."""
    if value and abs(value) < 1 and value != round(value, 2):
        return f"{value:,.4f} USD"
    return f"{value:,.2f} USD"
