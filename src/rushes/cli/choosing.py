"""rushes models choose."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rushes.cli.common import F, common_options, print_json, require_folder, vram_option

if TYPE_CHECKING:
    from rushes.route.choose import Selection
    from rushes.route.question import Question

AMOUNT = re.compile(r"([0-9][0-9_,]*(?:\.[0-9]+)?) ?([kKmMbB]?)")
SCALE = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9}


class Amount(click.ParamType[float]):
    """``5M``, ``250k``, ``1_000_000``."""

    name = "amount"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        found = AMOUNT.fullmatch(str(value).strip())
        if found is None:
            self.fail(f"{value!r} is no amount such as 5M, 250k or 1000000", param, ctx)
        return float(re.sub("[_,]", "", found[1])) * SCALE[found[2].lower()]


class Volume(click.ParamType[int]):
    """``40000/month``, ``1300/day``; items a month of 30 days."""

    name = "volume"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        if isinstance(value, int):
            return value
        number, _, per = str(value).partition("/")
        days = {"": 1, "month": 1, "day": 30}.get(per.strip())
        if days is None or not AMOUNT.fullmatch(number.strip()):
            self.fail(f"{value!r} is no volume such as 40000/month or 1300/day", param, ctx)
        items = round(Amount().convert(number, param, ctx) * days)
        if items < 1:
            self.fail("a volume is at least 1 a month", param, ctx)
        return items


def _split(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Given several times, or with commas."""
    return tuple(word.strip() for value in values for word in value.split(",") if word.strip())


def _list_option(flag: str, help: str) -> Callable[[F], F]:
    return click.option(flag, multiple=True, callback=_split, metavar="NAME,...", help=help)


ANSWERS: tuple[Callable[[Any], Any], ...] = (
    _list_option("--licences", "Licences that are allowed; all where nothing is said."),
    click.option("--revenue", type=Amount(), help="Yearly revenue of the whole group, in USD."),
    click.option("--users", type=Amount(), help="Monthly users of what is made."),
    _list_option("--territory", "Where it is used: ISO codes, EU, WORLD."),
    click.option(
        "--purpose",
        type=click.Choice(["commercial", "research"]),
        help="Not judged where nothing is said.",
    ),
    _list_option("--granted", "Licences for which you have an agreement."),
    click.option("--data-stays", is_flag=True, help="Nothing may leave the building."),
    click.option("--fine-tune", is_flag=True, help="The weights are to be trained further."),
    vram_option,
    click.option("--gpus", type=click.IntRange(1, 1024), default=1, show_default=True),
    click.option("--device", metavar="NAME", help="Plan for this card, such as rtx4090."),
    click.option("--sound", is_flag=True, help="It has to make sound, or to hear it."),
    _list_option("--controls", "What clips are given: image, depth, pose, ..."),
    click.option(
        "--max-seconds",
        type=click.FloatRange(0, 3600, min_open=True),
        help="The longest clip that is wanted.",
    ),
    click.option("--volume", type=Volume(), help="Items, such as 40000/month; with --device."),
)
"""The questions, but for the task; their answers go to :func:`read_answers`."""


def answer_options(function: F) -> F:
    """All of :data:`ANSWERS`, in their order in the help."""
    for option in reversed(ANSWERS):
        function = option(function)
    return function


@click.command(
    "choose",
    epilog="""\b
Examples:
  rushes models choose --task generate --vram 24GB --revenue 5M --territory EU
  rushes models choose --task generate --controls depth --licences apache-2.0,mit
  rushes models choose --task generate --device rtx4090 --volume 40000/month
  rushes models choose --task understand --vram 24GB --suite trial.toml
  rushes models choose --task code --vram 24GB --gpus 2 --purpose commercial
  rushes models choose --task generate --html sheet.html --suite trial/rushes.toml""",
)
@click.option("--task", type=click.Choice(["generate", "understand", "reason", "code"]),
              required=True, help="Make video, read it, reason, or write code.")  # fmt: skip
@answer_options
@click.option("--suite", type=click.Path(path_type=Path), metavar="FILE",
              help="Write what tries the two: a project, or a suite for eval.")  # fmt: skip
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE",
              help="Write a one-page sheet to print.")  # fmt: skip
@common_options
def choose(
    suite: Path | None, html: Path | None, folder: Path, as_json: bool, **answers: Any
) -> int:
    """Shortlist models: licence first, then your cards, then video benchmarks."""
    from rushes.route.abilities import check_question
    from rushes.route.choose import choose_models

    question = read_answers(answers)
    check_question(question)
    selection = choose_models(question)
    folder = require_folder(folder)
    if suite is not None:
        from rushes.route.suite import write_suite

        write_file(folder / suite, write_suite(selection))
    if html is not None:
        from rushes.route.sheet import draw_sheet

        write_file(folder / html, draw_sheet(selection, datetime.now(UTC).date().isoformat()))
    if as_json:
        print_json(_document(selection))
        return 0
    from rushes.cli.choice_tables import print_selection

    print_selection(selection)
    return 0


def read_answers(said: dict[str, Any]) -> Question:
    """The question that the flags ask, ``task`` among them.

    Raises:
        UsageError: a licence, territory or card that is not known.
    """
    from rushes.catalogue.device import find_device
    from rushes.catalogue.licences import Use, licence_ids
    from rushes.catalogue.territory import read_territory
    from rushes.errors import UsageError
    from rushes.route.offers import list_offers
    from rushes.route.question import Question

    known = {*licence_ids(), *(i for o in list_offers(said["task"]) for i in o.licence.ids)}
    for name in (*said["licences"], *said["granted"]):
        if name not in known:
            raise UsageError(
                f"there is no licence {name!r}", hint=f"known: {', '.join(sorted(known))}"
            )
    users = said["users"]
    use = Use(
        allowed=said["licences"] or None,
        revenue_usd=said["revenue"],
        users=None if users is None else round(users),
        territories=tuple(read_territory(code) for code in said["territory"]),
        purpose=said["purpose"],
        fine_tune=said["fine_tune"],
        granted=said["granted"],
    )
    keys = ("task", "data_stays", "vram", "gpus", "sound", "controls", "max_seconds", "volume")
    device = None if said["device"] is None else find_device(said["device"])
    return Question(use=use, device=device, **{key: said[key] for key in keys})


def _document(selection: Selection) -> dict[str, Any]:
    return {
        "candidates": [{"model": c.offer.name, "why": c.why} for c in selection.candidates],
        "excluded": [
            {"model": e.model, "reason": e.reason, "clause": e.clause} for e in selection.excluded
        ],
        "try": list(selection.tries),
    }


def write_file(path: Path, text: str) -> None:
    """Write a file that a flag names.

    Raises:
        UsageError: it cannot be written.
    """
    from rushes.errors import UsageError
    from rushes.store.files import write_durable

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durable(path, text.encode())
    except OSError as exc:
        raise UsageError(f"{path} cannot be written: {exc.strerror}") from exc
