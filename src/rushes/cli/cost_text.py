"""Costs as text for people."""

from __future__ import annotations

from decimal import Decimal

import click

from rushes.route.cost import Payback, Volume
from rushes.route.cost_report import CostReport, build_document
from rushes.route.figures import show_number, show_usd


def print_cost(report: CostReport) -> None:
    """Break-evens with what they need beside them, then each way's month, then what was assumed."""
    for kind, volume in report.volumes.items():
        click.echo(f"{kind}: {_say_volume(volume)}")
        for line in _say_needs(report, volume):
            click.echo(f"  {line}")
    if report.payback is not None:
        for line in _say_payback(report, report.payback):
            click.echo(line)
    for option in build_document(report)["options"]:
        click.echo(
            f"{option['name']:<7} {show_usd(option['usd_per_month']):>16} a month at "
            f"{show_number(Decimal(option['items_per_month']))} items; "
            f"{show_usd(option['usd_per_item'])} an item"
        )
    for line in _say_assumptions(report):
        click.echo(line)


def _say_volume(volume: Volume) -> str:
    if volume.items is None:
        return "the API stays cheaper at any volume"
    if not volume.items:
        return "cheaper from the first item"
    high = "no volume" if volume.high is None else show_number(Decimal(volume.high))
    low = show_number(Decimal(volume.low or 0))
    return f"break-even at {show_number(Decimal(volume.items))} items a month ({low} to {high})"


def _say_needs(report: CostReport, volume: Volume) -> list[str]:
    """The capacity without which a break-even means nothing."""
    if not volume.items or volume.seconds_between is None or volume.needed is None:
        return []
    inputs = report.inputs
    cards = "the card" if inputs.gpus == 1 else f"each of {inputs.gpus} cards"
    said = [
        f"that is one every {show_number(round(volume.seconds_between, 1))} s, all "
        f"{show_number(inputs.hours)} hours: {cards} may take "
        f"{show_number(round(volume.needed, 1))} s for one"
    ]
    if inputs.capacity is None or inputs.seconds is None:
        said.append("whether it can is not known: --seconds-per-item, or --model from the ledger")
        return said
    able = show_number(Decimal(round(inputs.capacity.likely)))
    if volume.reachable:
        said.append(f"it can: {able} items a month at {inputs.seconds} s each")
    elif volume.cards is None:
        said.append(f"it cannot ({able} a month at {inputs.seconds} s each), and no number of "
                    "such cards pays")  # fmt: skip
    else:
        said.append(f"it cannot: {able} a month at {inputs.seconds} s each; "
                    f"{volume.cards} cards can, and pay when they are full")  # fmt: skip
    return said


def _say_payback(report: CostReport, payback: Payback) -> list[str]:
    def span(low: Decimal | None, high: Decimal | None) -> str:
        words = ["never" if day is None else show_number(day) for day in (low, high)]
        return f"({words[0]} to {words[1]})"

    def days(value: Decimal | None) -> str:
        return "never" if value is None else f"after {show_number(value)} days"

    said = [f"bought: pays for itself {days(payback.days)} {span(payback.low, payback.high)}, "
            "before power and people"]  # fmt: skip
    inputs = report.inputs
    assert inputs.items is not None
    between = inputs.hours * 3600 / inputs.items.likely * inputs.gpus
    said.append(f"  at one every {show_number(round(between, 1))} s on each card")
    if inputs.capacity is not None and inputs.capacity.likely < inputs.items.likely:
        able = show_number(Decimal(round(inputs.capacity.likely)))
        said.append(f"  which so many cards cannot make: {able} a month at {inputs.seconds} s each")
    stated = [name for name, value in (("power", inputs.power), ("people", inputs.people)) if value]
    if stated:
        said.append(f"  with {' and '.join(stated)}: {days(payback.all_in)} "
                    f"{span(payback.all_in_low, payback.all_in_high)}")  # fmt: skip
    return said


def _say_assumptions(report: CostReport) -> list[str]:
    inputs = report.inputs
    said = [f"a month has {show_number(inputs.hours)} hours"]
    if inputs.utilisation is None:
        said.append("cards count as never idle (--utilisation)" if inputs.seconds else "")
    else:
        said.append(f"cards are idle for {show_number((1 - inputs.utilisation) * 100)} % of it")
    if inputs.people is None:
        said.append("nobody's time is counted (--people-hours)")
    if inputs.price is not None and inputs.power is None:
        said.append("power is not counted (--watts, --power)")
    share = show_number(report.uncertainty * 100)
    said.append(f"ranges: single figures {share} % off either way")
    if report.takes:
        said.append(f"seconds from {report.takes} takes in the ledger")
    lines = [f"assumed: {'; '.join(part for part in said if part)}"]
    for price, age in report.prices:
        second = ", second-hand" if price.read == "second-hand" else ""
        lines.append(
            f"price: {price.name} {show_usd(price.amount)} a {price.per}, read {price.date} "
            f"({age} days ago{second}): {price.source}"
        )
    return lines
