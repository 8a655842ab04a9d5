"""What ``rushes cost`` answers: one document, for programs and for the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rushes.catalogue.prices import PriceLine
from rushes.route.cost import (
    CostInputs,
    Kind,
    Payback,
    Volume,
    api_usd,
    find_payback,
    find_volume,
    own_usd,
)
from rushes.route.figures import SIDES, Figure


@dataclass(frozen=True, slots=True)
class CostReport:
    """The answer.

    Args:
        kinds: of own cards that were priced.
        volumes: by kind.
        payback: where a card is bought and the volume known.
        prices: lines of the price list that were used, each with its age in days.
        takes: of the ledger that seconds were measured on; 0 where they were stated.
        uncertainty: share by which single figures may be off either way.
    """

    inputs: CostInputs
    kinds: tuple[Kind, ...]
    volumes: dict[Kind, Volume]
    payback: Payback | None
    prices: tuple[tuple[PriceLine, int], ...]
    takes: int
    uncertainty: Decimal

    @property
    def main(self) -> Kind:
        """The kind that ``break_even.items_per_month`` is about: rented where it was priced."""
        return self.kinds[0]


def report_cost(
    inputs: CostInputs,
    prices: Sequence[tuple[PriceLine, int]],
    takes: int,
    uncertainty: Decimal,
) -> CostReport:
    """Work everything out that the inputs allow."""
    kinds: list[Kind] = []
    if inputs.rent is not None:
        kinds.append("rented")
    if inputs.price is not None:
        kinds.append("owned")
    volumes = {k: find_volume(inputs, k) for k in kinds if k == "rented" or inputs.months}
    payback = None
    if inputs.price is not None and inputs.items is not None:
        payback = find_payback(inputs)
    return CostReport(inputs, tuple(kinds), volumes, payback, tuple(prices), takes, uncertainty)


def build_document(report: CostReport) -> dict[str, Any]:
    """The ``--json`` document. Money and other decimals are numbers."""
    inputs = report.inputs
    volume = report.volumes.get(report.main)
    return {
        "break_even": {
            **_volume_fields(volume),
            "by_kind": {kind: _volume_fields(v) for kind, v in report.volumes.items()},
            **_payback_fields(report.payback),
        },
        "capacity": None
        if inputs.capacity is None
        else {
            "items_per_month": _figure(inputs.capacity),
            "gpus": inputs.gpus,
            "seconds_per_item": inputs.seconds and _figure(inputs.seconds),
            "measured_takes": report.takes,
        },
        "options": _list_options(report),
        "assumptions": {
            "hours_per_month": inputs.hours,
            "utilisation": inputs.utilisation,
            "idle_share": None if inputs.utilisation is None else 1 - inputs.utilisation,
            "uncertainty": report.uncertainty,
            "depreciation_months": inputs.months,
            "api_usd_per_item": _figure(inputs.api),
        },
        "prices": [
            {"name": p.name, "usd": p.amount, "per": p.per, "source": p.source, "date": p.date,
             "read": p.read, "age_days": age}
            for p, age in report.prices
        ],
    }  # fmt: skip


def _volume_fields(volume: Volume | None) -> dict[str, Any]:
    if volume is None:
        return {"items_per_month": None}
    return {
        "items_per_month": volume.items,
        "items_per_month_range": [volume.low, volume.high],
        "seconds_between_items": _short(volume.seconds_between),
        "seconds_per_item_and_gpu": _short(volume.needed),
        "gpus_needed": volume.cards,
        "reachable": volume.reachable,
    }


def _payback_fields(payback: Payback | None) -> dict[str, Any]:
    if payback is None:
        return {"days": None}
    return {
        "days": _short(payback.days),
        "days_range": [_short(payback.low), _short(payback.high)],
        "days_all_in": _short(payback.all_in),
        "days_all_in_range": [_short(payback.all_in_low), _short(payback.all_in_high)],
    }


def _list_options(report: CostReport) -> list[dict[str, Any]]:
    """What a month costs in each way, at the stated volume or else at the break-even."""
    inputs = report.inputs
    volume = report.volumes.get(report.main)
    if inputs.items is not None:
        items = inputs.items.likely
    elif volume is not None and volume.items:
        items = Decimal(volume.items)
    else:
        return []
    found = [("api", api_usd(inputs, items), Decimal(0), inputs.api.likely)]
    for kind in report.volumes:
        fixed, each = inputs.fixed_usd(kind, "likely"), inputs.item_usd(kind, "likely")
        found.append((kind, own_usd(inputs, kind, items), fixed, each))
    return [
        {
            "name": name,
            "items_per_month": _short(items),
            "usd_per_month": usd.quantize(Decimal("0.01")),
            "fixed_usd_per_month": fixed.quantize(Decimal("0.01")),
            "usd_per_further_item": each.quantize(Decimal("0.000001")).normalize(),
            "usd_per_item": (usd / items).quantize(Decimal("0.000001")).normalize(),
        }
        for name, usd, fixed, each in found
        if items
    ]


def _figure(figure: Figure) -> dict[str, Decimal | int | None]:
    return {side: _short(figure.at(side)) for side in SIDES}


def _short(value: Decimal | None) -> Decimal | int | None:
    """Whole numbers as such; others to six decimals."""
    if value is None:
        return None
    if value == value.to_integral_value():
        return int(value)
    return value.quantize(Decimal("0.000001")).normalize()
