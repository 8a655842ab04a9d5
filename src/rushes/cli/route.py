"""rushes route."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rushes.cli.choosing import answer_options, read_answers
from rushes.cli.common import common_options, print_json, require_folder
from rushes.cli.figure_types import FigureType
from rushes.errors import UsageError

if TYPE_CHECKING:
    from rushes.route.figures import Figure
    from rushes.route.route import Consent, Option, Request, Route


@click.command(
    "route",
    epilog="""\b
Examples:
  rushes route                 every shot of the project here, by its policy
  rushes route opening --vram 24GB --json
  rushes route --task generate --sound --seconds 5 --vram 16GB
  rushes route --task generate --seconds 5 --paid fallback --provider google --budget-usd 3""",
)
@click.argument("shots", nargs=-1, metavar="[SHOT]...")
@click.option("--task", type=click.Choice(["generate", "understand", "reason", "code"]),
              help="Ask without a project; its answers are the flags below.")  # fmt: skip
@click.option("--seconds", type=FigureType(above=True), metavar="N",
              help="Of video in the request.")  # fmt: skip
@click.option("--paid", type=click.Choice(["never", "ask", "fallback"]), default="never",
              show_default=True, help="With --task; a project's policy says it.")  # fmt: skip
@click.option("--provider", multiple=True, metavar="NAME", help="Who may be paid.")
@click.option("--budget-usd", type=FigureType(), default="0", show_default=True, metavar="USD",
              help="The most that the request may cost.")  # fmt: skip
@click.option("--prices", type=click.Path(path_type=Path), metavar="FILE",
              help="A price list whose lines replace those of the same name.")  # fmt: skip
@answer_options
@common_options
def command(shots: tuple[str, ...], folder: Path, as_json: bool, **said: Any) -> int:
    """Say where requests would go, at which price and time, and why not elsewhere.

    Nothing is called, and nothing leaves this machine.
    """
    from rushes.catalogue.prices import read_prices
    from rushes.route.route import list_routes

    folder = require_folder(folder)
    prices = read_prices(None if said["prices"] is None else folder / said["prices"])
    if said["task"] is None:
        requests, consent = _ask_project(folder, shots, said)
    elif shots:
        raise UsageError("--task asks without a project, and a shot is named", hint="keep one")
    else:
        requests, consent = _ask_flags(said)
    measured = _measure(folder, [r for r in requests if said["task"] is None])
    routes = list_routes(requests, consent, prices, measured)
    if as_json:
        print_json({"requests": [_to_dict(route) for route in routes]})
    else:
        for route in routes:
            _print_route(route)
    return 0 if all(route.options for route in routes) else 3


FLAGS = (
    "licences", "revenue", "users", "territory", "purpose", "granted", "data_stays", "fine_tune",
    "sound", "controls", "max_seconds", "volume", "seconds", "provider",
)  # fmt: skip
"""What a project says itself."""


def _ask_project(
    folder: Path, shots: tuple[str, ...], said: dict[str, Any]
) -> tuple[list[Request], Consent]:
    from rushes.catalogue.device import find_device
    from rushes.route.requests import read_consent, read_requests
    from rushes.spec.resolve import load_project

    extra = [key for key in FLAGS if said[key]]
    if extra:
        flag = f"--{extra[0].replace('_', '-')}"
        raise UsageError(
            f"{flag} goes with --task; for a project its shots and policy say it",
            hint="add --task, or leave it out",
        )
    project = load_project(folder)
    device = None if said["device"] is None else find_device(said["device"])
    return read_requests(project, shots, said["vram"], device), read_consent(project)


def _ask_flags(said: dict[str, Any]) -> tuple[list[Request], Consent]:
    from rushes.route.abilities import check_question
    from rushes.route.route import Consent, Request

    question = read_answers(said)
    check_question(question)
    seconds = None if said["seconds"] is None else float(said["seconds"].likely)
    budget: Decimal = said["budget_usd"].likely
    consent = Consent(said["paid"], said["provider"], budget)
    return [Request(question.task, question, seconds)], consent


def _measure(folder: Path, requests: list[Request]) -> dict[str, Figure]:
    """What the project's ledger knows; nothing where no project is asked about."""
    from rushes.ledger import Ledger
    from rushes.route.measured import measure_seconds
    from rushes.store.store import find_store

    if not requests:
        return {}
    path = find_store(folder) / "ledger.sqlite"
    nodes = Ledger(path).nodes(limit=1_000_000) if path.exists() else []
    found: dict[str, Figure] = {}
    for name in {node.model for node in nodes if node.model is not None}:
        try:
            found[name] = measure_seconds(nodes, name)[0]
        except UsageError:  # it finished no take
            continue
    return found


def _to_dict(route: Route) -> dict[str, Any]:
    return {
        "name": route.request.name,
        "task": route.request.question.task,
        "seconds": route.request.seconds,
        "options": [
            {"model": o.model, "kind": o.kind, "usd": o.usd, "seconds": o.seconds, "time": o.time,
             "why": o.why}
            for o in route.options
        ],
        "excluded": [
            {"model": e.model, "reason": e.reason, "clause": e.clause} for e in route.excluded
        ],
    }  # fmt: skip


def _print_route(route: Route) -> None:
    length = "" if route.request.seconds is None else f", {route.request.seconds:g} s"
    click.echo(f"{route.request.name} ({route.request.question.task}{length}):")
    for number, option in enumerate(route.options, start=1):
        click.echo(f"{number:>3}  {option.model}: {_say_price(option)}; {option.why}")
    if not route.options:
        click.echo("  ✗  nothing may do it")
    for exclusion in route.excluded:
        click.echo(f"  ✗  {exclusion.model} {exclusion.reason} [{exclusion.clause}]")


def _say_price(option: Option) -> str:
    from rushes.route.figures import show_number, show_usd

    price = show_usd(option.usd) if option.kind == "paid" else "own card"
    if option.seconds is None:
        return f"{price}, time not known"
    how = "at least " if option.time == "at least" else ""
    return f"{price}, {how}{show_number(option.seconds)} s"
