"""rushes log."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from rushes.cli.common import common_options, print_json, require_folder, show_bytes, show_seconds
from rushes.cli.figure_types import FigureType
from rushes.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rushes.ledger import Ledger, NodeRow
    from rushes.route.account import By
    from rushes.route.figures import Figure


@click.command(
    "log",
    epilog="""\b
Examples:
  rushes log                  the latest builds
  rushes log 3f9a0c12be01     every stage that a build ran
  rushes log --by model       what each model used, what the cache saved, what became slower
  rushes log --model sprite   where a model was used: runs, projects, shots, for whom
  rushes log --by day --csv   for a spreadsheet; also by project, and by key: who asked
  rushes log --json -n 100    for programs
  rushes log --prometheus     metrics, as a text file collector takes them
  rushes log 3f9a0c12be01 --events     a line of JSON an event, clip by clip
  rushes log 3f9a0c12be01 --traces     the same as OpenTelemetry spans (OTLP, JSON)""",
)
@click.argument("run", required=False)
@click.option("-n", "limit", type=click.IntRange(1, 1_000_000), default=20, show_default=True)
@click.option("--by", type=click.Choice(["model", "project", "day", "key"]),
              help="Add the whole ledger up.")  # fmt: skip
@click.option("--model", metavar="NAME", help="Where this model was used.")
@click.option("--gpu-per-hour", type=FigureType(), default="0", show_default=True, metavar="USD",
              help="With --by: what an hour of a GPU costs.")  # fmt: skip
@click.option("--paid-take", type=FigureType(), metavar="USD",
              help="With --by: of a paid take; else the mean of those here.")  # fmt: skip
@click.option("--prometheus", is_flag=True, help="The whole ledger as Prometheus metrics.")
@click.option("--events", is_flag=True, help="A run as lines of JSON.")
@click.option("--traces", is_flag=True, help="A run as OpenTelemetry spans.")
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values.")
@common_options
def command(
    run: str | None,
    limit: int,
    by: str | None,
    model: str | None,
    gpu_per_hour: Figure,
    paid_take: Figure | None,
    prometheus: bool,
    events: bool,
    traces: bool,
    as_csv: bool,
    folder: Path,
    as_json: bool,
) -> int:
    """Show the ledger: what ran, how long, and for whom."""
    from rushes.ledger import Ledger
    from rushes.store.store import find_store

    if as_csv and as_json:
        raise UsageError("--csv and --json are two forms of one answer", hint="keep one of them")
    if run is not None and by is not None:
        raise UsageError("--by adds the whole ledger up, and a run is named", hint="keep one")
    if model is not None and (run is not None or by is not None):
        raise UsageError("--model asks one question, and a run or --by another", hint="keep one")
    path = find_store(require_folder(folder)) / "ledger.sqlite"
    ledger = Ledger(path) if path.exists() else None
    if model is not None:
        return _show_uses(ledger, model, as_csv=as_csv, as_json=as_json)
    if prometheus or events or traces:
        return _show_telemetry(ledger, run, prometheus=prometheus, events=events)
    if by is not None:
        money = gpu_per_hour.likely, None if paid_take is None else paid_take.likely
        return _show_account(ledger, cast("By", by), money, as_csv=as_csv, as_json=as_json)
    if run is not None:
        return _show_run(ledger, run, as_csv=as_csv, as_json=as_json)
    return _show_runs(ledger, limit, as_csv=as_csv, as_json=as_json)


def _show_telemetry(
    ledger: Ledger | None, run: str | None, *, prometheus: bool, events: bool
) -> int:
    """The ledger for machines; what it has, and nothing else on standard output."""
    from rushes.cli.account_tables import read_rows
    from rushes.route.telemetry import list_events, make_metrics, make_traces

    rows = read_rows(ledger)
    if prometheus:
        if run is not None:
            raise UsageError("--prometheus tells the whole ledger, and a run is named")
        click.echo(make_metrics(rows), nl=False)
        return 0
    if run is None or run not in {row.id for row in rows.runs}:
        raise UsageError("which run?", hint="rushes log lists them; name one")
    if events:
        for event in list_events(rows, run):
            print_json(event)
    else:
        print_json(make_traces(rows, run))
    return 0


def _show_account(
    ledger: Ledger | None,
    by: By,
    money: tuple[Decimal, Decimal | None],
    *,
    as_csv: bool,
    as_json: bool,
) -> int:
    from rushes.cli.account_tables import build_account, csv_of_account, list_account, read_rows

    rows = read_rows(ledger)
    if as_csv:
        click.echo(csv_of_account(rows, by), nl=False)
        return 0
    document = build_account(rows, by, time.time(), *money)
    if as_json:
        print_json(document)
        return 0
    if not document["rows"]:
        click.echo("nothing was built here yet")
        return 0
    for line in list_account(document):
        click.echo(line)
    return 0


def _show_run(ledger: Ledger | None, run: str, *, as_csv: bool, as_json: bool) -> int:
    nodes = ledger.nodes(run, limit=1_000_000) if ledger else []
    if as_json:
        print_json({"run": run, "nodes": nodes})
        return 0
    if as_csv:
        from rushes.ledger import NodeRow

        _print_csv(NodeRow.__struct_fields__, list(reversed(nodes)))
        return 0
    for node in reversed(nodes):
        ending = node.error or (
            "" if node.passed is None else "passed" if node.passed else "failed"
        )
        take = f"take {node.attempt + 1}"
        click.echo(f"{node.stage:<16} {node.shot:<20} {take:<8} {show_seconds(node.seconds):>9}"
                   f" {show_bytes(node.peak_bytes):>9}  {ending}")  # fmt: skip
    if not nodes:
        click.echo(f"run {run} computed nothing, or is not in the ledger")
    if (said := _sum_repairs(nodes)) is not None:
        click.echo(said)
    return 0


def _sum_repairs(nodes: Sequence[NodeRow]) -> str | None:
    """What repairs took, beside as many takes of the same shots; None where there were none."""
    takes = {node.shot: node.token_passes for node in nodes if node.stage == "denoise"}
    repairs = [node for node in nodes if node.stage == "repair" and node.error is None]
    pairs = [(n.token_passes or 0, takes[n.shot] or 0) for n in repairs if n.shot in takes]
    if not pairs:
        return None
    cost, whole = (sum(column) for column in zip(*pairs, strict=True))
    share = f" ({cost / whole:.0%})" if whole else ""
    return f"repairs: {len(pairs)}, {cost:,} token passes, where takes need {whole:,}{share}"


def _show_uses(ledger: Ledger | None, model: str, *, as_csv: bool, as_json: bool) -> int:
    """Each shot of each run that the model computed something of."""
    rows = ledger.uses(model) if ledger else []
    if as_json:
        print_json({"model": model, "uses": rows})
        return 0
    if as_csv:
        from rushes.ledger import UseRow

        _print_csv(UseRow.__struct_fields__, list(rows))
        return 0
    for row in rows:
        day = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.started_at))
        stages = f"{row.nodes} stage{'s' * (row.nodes != 1)}"
        click.echo(f"{row.run}  {day}  {row.project:<16} {row.asked_by:<10} {row.shot:<20}"
                   f" {stages:>9} {show_seconds(row.seconds):>9}  {row.command}")  # fmt: skip
    if not rows:
        known = ", ".join(ledger.models()) if ledger else ""
        click.echo(f"{model} was not used here" + (f"; what was: {known}" if known else ""))
    return 0


def _show_runs(ledger: Ledger | None, limit: int, *, as_csv: bool, as_json: bool) -> int:
    runs = ledger.runs(limit) if ledger else []
    if as_json:
        print_json({"runs": runs})
        return 0
    if as_csv:
        from rushes.ledger import RunRow

        _print_csv(RunRow.__struct_fields__, list(runs))
        return 0
    for row in runs:
        day = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.started_at))
        hits = "?" if row.hits is None else row.hits
        ending = "no end" if row.exit_code is None else f"exit {row.exit_code}"
        counts = f"{row.ran:>4} ran {hits:>5} hits  {ending}"
        took = "" if row.seconds is None else show_seconds(row.seconds)
        click.echo(f"{row.id}  {day}  {row.asked_by:<10} {took:>9}  {counts}  {row.command}")
    if not runs:
        click.echo("nothing was built here yet")
    return 0


def _print_csv(columns: tuple[str, ...], rows: list[object]) -> None:
    import msgspec

    from rushes.cli.account_tables import write_csv

    click.echo(write_csv(columns, [msgspec.to_builtins(row) for row in rows]), nl=False)
