"""rushes cost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rushes.cli.common import F, common_options, print_json, require_folder
from rushes.cli.figure_types import FigureType, ShareType
from rushes.errors import UsageError

if TYPE_CHECKING:
    from rushes.catalogue.prices import PriceLine
    from rushes.route.cost import CostInputs
    from rushes.route.figures import Figure

USD = FigureType()


def _usd(flag: str, help: str) -> Callable[[F], F]:
    return click.option(flag, type=USD, metavar="USD", help=help)


def _number(flag: str, help: str) -> Callable[[F], F]:
    return click.option(flag, type=FigureType(above=True), metavar="N", help=help)


@click.command(
    "cost",
    epilog="""\b
Every figure may be a range: --api-per-item 0.04..0.06.
Examples:
  rushes cost --gpu-per-hour 2 --hours 720 --api-per-item 0.05
  rushes cost --gpu-price 1600 --api-per-item 0.20 --items-per-day 8
  rushes cost --gpu-per-hour 2 --model ltx-2 --api veo-3.1 --item-seconds 5 --svg cost.svg
  rushes cost --gpu-price 1600 --months 36 --watts 350 --power 0.30 --seconds-per-item 60
              --api-per-second 0.10 --item-seconds 5 --people-hours 4 --people-per-hour 60""",
)
@_usd("--api-per-item", "Of the API, for an item: a clip, a question.")
@_usd("--api-per-second", "Of the API, for a second of video.")
@click.option("--api", metavar="NAME", help="A line of the price list, such as veo-3.1.")
@_number("--item-seconds", "Seconds of video in an item.")
@_usd("--gpu-per-hour", "Rent of one card.")
@_usd("--gpu-price", "Price of one card that is bought.")
@_number("--months", "Over which it is written off.")
@click.option("--gpus", type=click.IntRange(1, 100_000), default=1, show_default=True)
@click.option("--hours", type=FigureType(above=True), default="720", show_default=True,
              metavar="N", help="A month that the cards are there.")  # fmt: skip
@click.option("--utilisation", type=ShareType(above=True), metavar="SHARE",
              help="Of those hours in which they work; the rest is idle.")  # fmt: skip
@_number("--seconds-per-item", "That one card works on an item.")
@click.option("--model", metavar="NAME", help="Take the seconds from the ledger here.")
@_number("--watts", "Of a card that works.")
@_number("--idle-watts", "Of a card that does not.")
@_usd("--power", "A kilowatt-hour.")
@_number("--people-hours", "A month, for cards of your own.")
@_usd("--people-per-hour", "An hour of theirs.")
@_number("--items-per-day", "The volume.")
@_number("--items-per-month", "The volume.")
@click.option("--uncertainty", type=ShareType(), default="10%", show_default=True, metavar="SHARE",
              help="By which single figures may be off either way.")  # fmt: skip
@click.option("--prices", type=click.Path(path_type=Path), metavar="FILE",
              help="A price list whose lines replace those of the same name.")  # fmt: skip
@click.option("--svg", type=click.Path(path_type=Path), metavar="FILE",
              help="Draw cost against volume.")  # fmt: skip
@common_options
def command(svg: Path | None, folder: Path, as_json: bool, **said: Any) -> int:
    """Find where own cards, bought or rented, beat an API. Says from which volume, and when."""
    from rushes.catalogue.prices import read_prices
    from rushes.route.cost_report import build_document, report_cost

    folder = require_folder(folder)
    lines = read_prices(None if said["prices"] is None else folder / said["prices"])
    inputs, used, takes = _read_inputs(said, lines, folder)
    today = datetime.now(UTC).date()
    report = report_cost(
        inputs, [(line, line.age_days(today)) for line in used], takes, said["uncertainty"]
    )
    if svg is not None:
        _write_plot(folder / svg, inputs, tuple(report.volumes))
    if as_json:
        print_json(build_document(report))
        return 0
    from rushes.cli.cost_text import print_cost

    print_cost(report)
    return 0


def _read_inputs(
    said: dict[str, Any], lines: dict[str, PriceLine], folder: Path
) -> tuple[CostInputs, list[PriceLine], int]:
    from rushes.route.cost import CostInputs

    _check(said)
    used: list[PriceLine] = []
    api = _read_api(said, lines, used)
    seconds, takes = said["seconds_per_item"], 0
    if said["model"] is not None:
        seconds, takes = _measure(said["model"], folder)
    items = said["items_per_month"]
    if said["items_per_day"] is not None:
        items = said["items_per_day"].times(Decimal(30))
    people = None
    if said["people_hours"] is not None:
        hours, rate = said["people_hours"], said["people_per_hour"]
        people = type(hours)(hours.low * rate.low, hours.likely * rate.likely,
                             hours.high * rate.high)  # fmt: skip

    def widen(figure: Figure | None) -> Figure | None:
        return None if figure is None else figure.widen(said["uncertainty"])

    api_wide = widen(api)
    assert api_wide is not None
    inputs = CostInputs(
        api=api_wide,
        rent=widen(said["gpu_per_hour"]),
        price=widen(said["gpu_price"]),
        months=None if said["months"] is None else said["months"].likely,
        gpus=said["gpus"],
        hours=said["hours"].likely,
        utilisation=said["utilisation"],
        seconds=widen(seconds),
        watts=widen(said["watts"]),
        idle_watts=widen(said["idle_watts"]),
        power=widen(said["power"]),
        people=widen(people),
        items=widen(items),
    )
    return inputs, used, takes


def _read_api(said: dict[str, Any], lines: dict[str, PriceLine], used: list[PriceLine]) -> Figure:
    """USD an item."""
    from rushes.catalogue.prices import find_price
    from rushes.route.figures import Figure

    price: Figure = said["api_per_item"] or said["api_per_second"]
    by_second = said["api_per_second"] is not None
    if said["api"] is not None:
        line = find_price(said["api"], lines)
        if line.per == "hour":
            raise UsageError(f"{line.name} is a price of an hour, not of an API's")
        used.append(line)
        price, by_second = Figure.exact(line.amount), line.per == "second"
    if not by_second:
        return price
    length = said["item_seconds"]
    if length is None:
        raise UsageError(
            "a price of a second needs the length of an item", hint="add --item-seconds"
        )
    return Figure(price.low * length.low, price.likely * length.likely, price.high * length.high)


RULES = (
    ("watts", ("gpu_price",), "power is in the rent: it is counted for cards that are bought"),
    ("watts", ("power",), "add --power, the price of a kilowatt-hour"),
    ("power", ("watts",), "add --watts, what a card takes"),
    ("idle_watts", ("watts",), "add --watts, what a working card takes"),
    ("people_hours", ("people_per_hour",), "add --people-per-hour"),
    ("people_per_hour", ("people_hours",), "add --people-hours, a month"),
    ("months", ("gpu_price",), "months are those over which --gpu-price is written off"),
    ("watts", ("seconds_per_item", "model", "utilisation"),
     "say how long a card works: --seconds-per-item, --model or --utilisation"),
)  # fmt: skip
"""A flag, those of which it needs one, and why."""


def _check(said: dict[str, Any]) -> None:
    """Refuse what is too little, or contradicts itself.

    Raises:
        UsageError: names the flag.
    """
    given = {key for key, value in said.items() if value is not None}
    alone = [
        (("api_per_item", "api_per_second", "api"), "the price of the API"),
        (("items_per_day", "items_per_month"), "the volume"),
        (("seconds_per_item", "model"), "how long an item takes"),
    ]
    for keys, what in alone:
        if len(given & set(keys)) > 1:
            flags = " and ".join(_flag(key) for key in keys if key in given)
            raise UsageError(f"{flags} both say {what}", hint="keep one of them")
    if not given & {"api_per_item", "api_per_second", "api"}:
        raise UsageError("there is nothing to compare with", hint="add --api-per-item, or --api")
    if not given & {"gpu_per_hour", "gpu_price"}:
        raise UsageError("there is no card", hint="add --gpu-per-hour, or --gpu-price")
    for key, needs, hint in RULES:
        if key in given and not given & set(needs):
            raise UsageError(f"{_flag(key)} does not stand alone", hint=hint)
    if "gpu_per_hour" not in given and not given & {"months", "items_per_day", "items_per_month"}:
        raise UsageError(
            "a card that is bought needs a volume, or months to be written off over",
            hint="add --items-per-day for the days until it has paid, or --months",
        )


def _flag(key: str) -> str:
    return f"--{key.replace('_', '-')}"


def _measure(model: str, folder: Path) -> tuple[Figure, int]:
    from rushes.ledger import Ledger
    from rushes.route.measured import measure_seconds
    from rushes.store.store import find_store

    path = find_store(folder) / "ledger.sqlite"
    nodes = Ledger(path).nodes(limit=1_000_000) if path.exists() else []
    return measure_seconds(nodes, model)


def _write_plot(path: Path, inputs: CostInputs, kinds: tuple[Any, ...]) -> None:
    from rushes.cli.choosing import write_file
    from rushes.route.cost_plot import draw_cost

    if not kinds:
        raise UsageError(
            "there is no cost a month to draw", hint="a card that is bought needs --months"
        )
    write_file(path, draw_cost(inputs, kinds))
