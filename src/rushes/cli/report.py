"""rushes report."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from rushes.cli.common import common_options, print_json, require_folder


@click.command(
    "report",
    epilog="""\b
Examples:
  rushes report           write the page again, from out/manifest.json
  rushes report --open    and show it in the browser""",
)
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
@common_options
def command(show: bool, folder: Path, as_json: bool) -> int:
    """Write (and open) the report of the last build."""
    from rushes.report.write import render_report

    page = render_report(require_folder(folder))
    if as_json:
        print_json({"path": str(page)})
    else:
        click.echo(str(page))
    if show:
        webbrowser.open((folder.resolve() / page).as_uri())
    return 0
