"""rushes init."""

from __future__ import annotations

from pathlib import Path

import click

from rushes.cli.common import common_options, print_json


@click.command(
    "init",
    epilog="""\b
Examples:
  rushes init hello && cd hello && rushes make
  rushes init hello --ci github    with a workflow; alone in a project: only that""",
)
@click.argument("name", default=".", metavar="[DIR]")
@click.option(
    "--ci", type=click.Choice(["github"]), help="Write a workflow that builds clips in CI."
)
@common_options
def command(name: str, ci: str | None, folder: Path, as_json: bool) -> int:
    """Start a project that builds at once on the embedded model."""
    from rushes.spec.read import PROJECT_FILE
    from rushes.spec.scaffold import write_project, write_workflow

    exists = (folder / name / PROJECT_FILE).exists()
    written = [] if ci and exists else write_project(folder / name)
    if ci:
        written.append(write_workflow(folder / name))
    if as_json:
        print_json({"folder": name, "files": written})
        return 0
    for file in written:
        click.echo(f"wrote {Path(name) / file}")
    if not exists:
        where = "" if name == "." else f"cd {name} && "
        click.echo(f"build it with: {where}rushes make")
    return 0
