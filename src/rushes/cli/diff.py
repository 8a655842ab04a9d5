"""rushes diff."""

from __future__ import annotations

from pathlib import Path

import click

from rushes.cli.common import common_options, print_json, require_folder


@click.command(
    "diff",
    epilog="""\b
Examples:
  rushes diff             the working tree against HEAD
  rushes diff HEAD~1      what the last commit changed, and what follows from it""",
)
@click.argument("revision", default="HEAD", metavar="[REV]")
@common_options
def command(revision: str, folder: Path, as_json: bool) -> int:
    """Compare the graph with that of another git revision."""
    from rushes.plan.explain import compare_graphs, record_graph
    from rushes.run.build import BuildOptions
    from rushes.run.history import graph_at_revision
    from rushes.run.inspect import inspect_project

    folder = require_folder(folder)
    view = inspect_project(folder, BuildOptions())
    before, had_lock = graph_at_revision(folder, revision, view.lock)
    changes = compare_graphs(before, record_graph(view.plan))
    if as_json:
        print_json({"revision": revision, "revision_has_lock": had_lock, "changes": changes})
        return 0
    if not had_lock:
        click.echo(f"{revision} holds no rushes.lock; the present one is used for both", err=True)
    for change in changes:
        if change.reasons:
            place = f"{change.name}:{change.stage}" if change.stage else change.name
            click.echo(f"{place}: {change.describe()}")
    if not changes:
        click.echo(f"nothing differs from {revision}")
    return 0
