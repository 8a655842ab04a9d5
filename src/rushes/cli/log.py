"""rushes log."""

from __future__ import annotations

import time
from pathlib import Path

import click

from rushes.cli.common import common_options, print_json, require_folder, show_bytes, show_seconds


@click.command(
    "log",
    epilog="""\b
Examples:
  rushes log                  the latest builds
  rushes log 3f9a0c12be01     every stage that a build ran
  rushes log --json -n 100    for programs""",
)
@click.argument("run", required=False)
@click.option("-n", "limit", type=click.IntRange(1, 1_000_000), default=20, show_default=True)
@common_options
def command(run: str | None, limit: int, folder: Path, as_json: bool) -> int:
    """Show the ledger: what ran, how long, and for whom."""
    from rushes.ledger import Ledger
    from rushes.store.store import find_store

    path = find_store(require_folder(folder)) / "ledger.sqlite"
    ledger = Ledger(path) if path.exists() else None
    if run is not None:
        nodes = ledger.nodes(run, limit=1_000_000) if ledger else []
        if as_json:
            print_json({"run": run, "nodes": nodes})
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
        return 0
    runs = ledger.runs(limit) if ledger else []
    if as_json:
        print_json({"runs": runs})
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
