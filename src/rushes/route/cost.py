"""Owned, rented, or by the item: what each costs, and from which volume the one beats the other.

All money is decimal. A month has 30 days. Every figure may be a range: the favourable case takes
what speaks for own cards (cheap cards, dear API), the other case the contrary.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from typing import Literal

from rushes.route.figures import Figure, Side
from rushes.route.question import DAYS_A_MONTH

Kind = Literal["rented", "owned"]
ZERO = Decimal(0)
OPPOSITE: dict[Side, Side] = {"low": "high", "likely": "likely", "high": "low"}


@dataclass(frozen=True, slots=True)
class CostInputs:
    """What is known. None: not stated.

    Args:
        api: USD an item of the API's.
        rent: USD an hour of one card.
        price: USD of one card that is bought.
        months: over which it is written off.
        gpus: cards, at the first step of the ladder.
        hours: a month that cards are there.
        utilisation: share of those hours in which they work; the rest is idle.
        seconds: that one card works on an item.
        watts: of a card that works; ``idle_watts`` of one that does not.
        power: USD a kilowatt-hour.
        people: USD a month.
        items: a month, where the volume is known.
    """

    api: Figure
    rent: Figure | None = None
    price: Figure | None = None
    months: Decimal | None = None
    gpus: int = 1
    hours: Decimal = Decimal(720)
    utilisation: Decimal | None = None
    seconds: Figure | None = None
    watts: Figure | None = None
    idle_watts: Figure | None = None
    power: Figure | None = None
    people: Figure | None = None
    items: Figure | None = None

    @property
    def capacity(self) -> Figure | None:
        """Items a month that the first cards can make; None where their speed is not known."""
        if self.seconds is None or self.seconds.low == 0:
            return None
        work = self.hours * 3600 * (self.utilisation or Decimal(1)) * self.gpus
        slow, likely, fast = (work / s for s in (self.seconds.high, self.seconds.likely,
                                                 self.seconds.low))  # fmt: skip
        return Figure(slow, likely, fast)

    def machine_usd(self, kind: Kind, side: Side) -> Decimal:
        """A month of the first cards, without work: rent, or writing off and power while idle."""
        if kind == "rented":
            assert self.rent is not None
            return self.rent.at(side) * self.hours * self.gpus
        assert self.price is not None
        written_off = ZERO if self.months is None else self.price.at(side) / self.months
        return (written_off + self.idle_power_usd(side)) * self.gpus

    def idle_power_usd(self, side: Side) -> Decimal:
        """A month of one card's power that does not depend on the number of items."""
        if self.power is None:
            return ZERO
        idle = ZERO if self.idle_watts is None else self.idle_watts.at(side)
        watts = idle
        if self.seconds is None and self.watts is not None:
            share = self.utilisation or Decimal(1)
            watts = self.watts.at(side) * share + idle * (1 - share)
        return watts * self.hours / 1000 * self.power.at(side)

    def fixed_usd(self, kind: Kind, side: Side) -> Decimal:
        """A month, whether anything is made or not."""
        people = ZERO if self.people is None else self.people.at(side)
        return self.machine_usd(kind, side) + people

    def item_usd(self, kind: Kind, side: Side) -> Decimal:
        """What an item adds: power of a card of one's own; rent includes it."""
        if kind == "rented" or self.watts is None or self.power is None or self.seconds is None:
            return ZERO
        idle = ZERO if self.idle_watts is None else self.idle_watts.at(side)
        more = max(self.watts.at(side) - idle, ZERO)
        return more / 1000 * self.seconds.at(side) / 3600 * self.power.at(side)


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume at which own cards and the API cost the same.

    Args:
        items: a month, whole; ``low`` and ``high`` in the favourable and the other case, None
            where the API stays cheaper at any volume.
        seconds_between: an item is due so often in the hours that are there.
        needed: seconds an item may take on each of the cards that are there.
        cards: that are needed for it, the dearer they make it counted in; None where no number of
            cards pays, or where their speed is not known.
        reachable: whether the first cards can make so many; None where their speed is not known.
    """

    items: int | None
    low: int | None
    high: int | None
    seconds_between: Decimal | None
    needed: Decimal | None
    cards: int | None
    reachable: bool | None


@dataclass(frozen=True, slots=True)
class Payback:
    """After how many days a card has paid for itself; None: never.

    Args:
        days: before power and people; ``all_in`` with what of them was stated.
    """

    days: Decimal | None
    low: Decimal | None
    high: Decimal | None
    all_in: Decimal | None
    all_in_low: Decimal | None
    all_in_high: Decimal | None


def find_volume(inputs: CostInputs, kind: Kind) -> Volume:
    """From which volume on own cards beat the API."""
    items = _break_even(inputs, kind, "likely")
    low, high = _break_even(inputs, kind, "low"), _break_even(inputs, kind, "high")
    if not items:
        return Volume(items, low, high, None, None, None, None)
    between = inputs.hours * 3600 / items
    capacity = inputs.capacity
    reachable = None if capacity is None else items <= capacity.likely
    cards = None if capacity is None else _count_cards(inputs, kind, capacity.likely)
    return Volume(items, low, high, between, between * inputs.gpus, cards, reachable)


def _break_even(inputs: CostInputs, kind: Kind, side: Side) -> int | None:
    """Whole items a month; ``low`` is the favourable case."""
    saved = inputs.api.at(OPPOSITE[side]) - inputs.item_usd(kind, side)
    fixed = inputs.fixed_usd(kind, side)
    if saved <= 0:
        return None if fixed or saved else 0
    return int((fixed / saved).to_integral_value(ROUND_CEILING))


def _count_cards(inputs: CostInputs, kind: Kind, capacity: Decimal) -> int | None:
    """How many cards make so many items that they pay for themselves and the people.

    Each step of the ladder adds the first cards once more.
    """
    saved = inputs.api.likely - inputs.item_usd(kind, "likely")
    gain = capacity * saved - inputs.machine_usd(kind, "likely")
    people = ZERO if inputs.people is None else inputs.people.likely
    if gain < 0 or (gain == 0 and people > 0):
        return None
    steps = int((people / gain).to_integral_value(ROUND_CEILING)) if people else 1
    return max(steps, 1) * inputs.gpus


def find_payback(inputs: CostInputs) -> Payback:
    """After how many days a bought card has saved its price, at the stated volume."""
    days = [_pay_back(inputs, side, all_in=False) for side in ("likely", "low", "high")]
    every = [_pay_back(inputs, side, all_in=True) for side in ("likely", "low", "high")]
    return Payback(*days, *every)


def _pay_back(inputs: CostInputs, side: Side, *, all_in: bool) -> Decimal | None:
    assert inputs.price is not None
    assert inputs.items is not None
    items = inputs.items.at(OPPOSITE[side]) / DAYS_A_MONTH
    saved = items * inputs.api.at(OPPOSITE[side])
    if all_in:
        people = ZERO if inputs.people is None else inputs.people.at(side)
        power = inputs.idle_power_usd(side) * inputs.gpus
        saved -= (people + power) / DAYS_A_MONTH + items * inputs.item_usd("owned", side)
    if saved <= 0:
        return None
    days = inputs.price.at(side) * inputs.gpus / saved
    return days.quantize(Decimal("0.1"), ROUND_HALF_EVEN)


def own_usd(inputs: CostInputs, kind: Kind, items: Decimal, side: Side = "likely") -> Decimal:
    """A month of own cards at a volume; more cards where the first cannot make so many."""
    capacity = inputs.capacity
    steps = Decimal(1)
    if capacity is not None:
        able = capacity.at(OPPOSITE[side])
        steps = max((items / able).to_integral_value(ROUND_CEILING), Decimal(1))
    people = ZERO if inputs.people is None else inputs.people.at(side)
    machines = inputs.machine_usd(kind, side) * steps
    return machines + people + items * inputs.item_usd(kind, side)


def api_usd(inputs: CostInputs, items: Decimal, side: Side = "likely") -> Decimal:
    """A month of the API at a volume."""
    return inputs.api.at(side) * items
