"""rushes init."""

from __future__ import annotations

from pathlib import Path

import click

from rushes.cli.common import common_options, print_json


@click.command(
    "init",
    epilog="""\b
Example:
  rushes init hello && cd hello && rushes make""",
)
@click.argument("name", default=".", metavar="[DIR]")
@common_options
def command(name: str, folder: Path, as_json: bool) -> int:
    """Start a project that builds at once on the embedded model."""
    from rushes.spec.scaffold import write_project

    written = write_project(folder / name)
    if as_json:
        print_json({"folder": name, "files": written})
        return 0
    for file in written:
        click.echo(f"wrote {Path(name) / file}")
    click.echo("build it with: " + ("rushes make" if name == "." else f"cd {name} && rushes make"))
    return 0
