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
  rushes route --task generate --seconds 5 --paid fallback --provider google --budget-usd 3
  rushes route --task code --run "a function that reverses a list"   do it, and say who did""",
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
@click.option("--class", "task_class", default="", metavar="NAME",
              help="What kind of work it is, such as computer-use.")  # fmt: skip
@click.option("--failures", type=click.IntRange(0), default=0, metavar="N",
              help="Takes that failed their checks already.")  # fmt: skip
@click.option("--run", "words", metavar="TEXT",
              help="Have a request in words answered; with --task reason or code.")  # fmt: skip
@click.option("--pay", is_flag=True, help='With --run: it may be paid, where paid = "ask".')
@click.option("--prices", type=click.Path(path_type=Path), metavar="FILE",
              help="A price list whose lines replace those of the same name.")  # fmt: skip
@answer_options
@common_options
def command(shots: tuple[str, ...], folder: Path, as_json: bool, **said: Any) -> int:
    """Say where requests would go, at which price and time, and why not elsewhere.

    Nothing is called, and nothing leaves this machine, unless --run says so.
    """
    from rushes.catalogue.prices import read_prices
    from rushes.route.route import list_routes

    folder = require_folder(folder)
    if said["words"] is not None:
        return _run(folder, said, as_json)
    prices = read_prices(None if said["prices"] is None else folder / said["prices"])
    if said["task"] is None:
        requests, consent = _ask_project(folder, shots, said)
    elif shots:
        raise UsageError("--task asks without a project, and a shot is named", hint="keep one")
    else:
        requests, consent = _ask_flags(said)
    measured = _measure(folder, [r for r in requests if said["task"] is None])
    routes = list_routes(requests, consent, prices, measured)
    if said["task"] is None:
        routes = [_add_remotes(folder, route, said) for route in routes]
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


def _add_remotes(folder: Path, route: Route, said: dict[str, Any]) -> Route:
    """The route with the project's remotes; a hosted model that none of them is cannot be used."""
    from dataclasses import replace

    from rushes.catalogue.hosted import read_hosted
    from rushes.ledger import describe_user
    from rushes.payments import Payments, find_payments
    from rushes.route.choose import Exclusion
    from rushes.route.reasons import Circumstance
    from rushes.route.remotes import offer_remotes, sort_paid
    from rushes.spec.remotes import make_allowance
    from rushes.spec.resolve import load_project

    project = load_project(folder)
    payments = Payments() if find_payments().exists() else None
    allowance = make_allowance(project, "", describe_user())
    options, excluded = offer_remotes(route.request, project, allowance, payments)
    hosted = {model.name for model in read_hosted()}
    reachable = [o for o in route.options if o.model not in hosted]
    lost = [o for o in route.options if o.model in hosted]
    why = "is not reached from here", "no [remotes.NAME] names it"
    excluded += [Exclusion(option.model, *why) for option in lost]
    opened = [option for option in reachable + options if option.kind == "open"]
    times = [o.seconds for o in opened if o.seconds is not None and o.time == "measured"]
    wait = float(min(times)) if times and len(times) == len(opened) else None
    now = Circumstance(bool(opened), said["failures"], wait, said["task_class"])
    stated = route.request.question.stated
    ordered, refused = sort_paid(reachable + options, project, now, stated)
    return replace(route, options=tuple(ordered), excluded=(*route.excluded, *excluded, *refused))


def _run(folder: Path, said: dict[str, Any], as_json: bool) -> int:
    """Have a request answered, and say by whom."""
    import os

    from rushes.payments import Payments
    from rushes.route.answer import Asker, read_words
    from rushes.run.retention import open_ledger
    from rushes.spec.resolve import load_project
    from rushes.store.store import Store, find_store

    if said["task"] not in ("reason", "code"):
        hint = "a clip is made by rushes make, and read by rushes ask --model auto"
        raise UsageError("--run goes with --task reason or code", hint=hint)
    project = load_project(folder, needs_shots=False)
    ledger = open_ledger(Store(find_store(folder)))
    asker = Asker(project, Payments(), ledger, os.environ, said["pay"])
    done = asker.answer(said["task"], read_words(said["words"]), task_class=said["task_class"])
    if as_json:
        print_json(done)
        return 0
    click.echo(done.answer)
    for tried in done.tried[:-1]:
        click.echo(f"  ✗  {tried.model}: {tried.outcome}", err=True)
    price = f"{done.usd:f} USD, {done.tried[-1].reason}" if done.kind == "paid" else "own server"
    click.echo(f"  by {done.model} ({price}; {done.tokens_in} + {done.tokens_out} tokens, "
               f"{done.seconds:.2f} s)", err=True)  # fmt: skip
    return 0


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
             "why": o.why} | ({"reason": o.reason} if o.reason else {})
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
