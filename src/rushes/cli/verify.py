"""rushes verify."""

from __future__ import annotations

from pathlib import Path

import click

from rushes.cli.common import common_options, pick_device, print_json, require_folder


@click.command(
    "verify",
    epilog="""\b
Examples:
  rushes verify             build again in an empty store; every byte must be the same
  rushes verify opening     one shot""",
)
@click.argument("targets", nargs=-1, metavar="[SHOT|FILM]...")
@click.option("--device", metavar="NAME", help="cpu or cuda:N; default: a GPU if there is one.")
@common_options
def command(targets: tuple[str, ...], device: str | None, folder: Path, as_json: bool) -> int:
    """Re-run stages in a fresh store and compare the bytes. Exit 1 on a difference."""
    from rushes.cli.progress import TerminalObserver
    from rushes.run.build import BuildOptions
    from rushes.run.verify import verify_project

    folder = require_folder(folder)
    options = BuildOptions(targets, locked=True, device=pick_device(device), command="verify")
    with TerminalObserver() as observer:
        rows = verify_project(folder, options, observer)
    same = all(row.same for row in rows)
    if as_json:
        print_json({"same": same, "stages": rows})
        return 0 if same else 1
    for row in rows:
        if not row.same:
            click.echo(f"{row.name}:{row.stage} {row.output} differs: {row.distance}")
    count = sum(row.same for row in rows)
    click.echo(f"{count} of {len(rows)} outputs are equal to the byte")
    return 0 if same else 1
