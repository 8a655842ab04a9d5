"""rushes provenance."""

from __future__ import annotations

from pathlib import Path

import click

from rushes.cli.common import common_options, print_json


@click.command(
    "provenance",
    epilog="""\b
Examples:
  rushes provenance out/signed/opening.mp4    who signed it, and what made it
  rushes provenance *.mp4 --json              any files; exit 1 if one was changed since""",
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@common_options
def command(files: tuple[str, ...], folder: Path, as_json: bool) -> int:
    """Read who signed a clip, and what made it (C2PA). Exit 1 where one is unsigned or changed."""
    from rushes.report.inspect import read_credential

    found = [read_credential(folder / name) for name in files]
    good = all(one.validity in ("trusted", "valid") for one in found)
    if as_json:
        print_json({"files": found, "valid": good})
        return 0 if good else 1
    words = {
        "trusted": "whole, by a trusted signer",
        "valid": "whole, by a signer on no trust list",
        "invalid": "CHANGED since it was signed, or badly signed",
        "none": "not signed",
    }
    for one in found:
        click.echo(f"{one.file}: {words[one.validity]}")
        if one.signer:
            click.echo(f"  signed by  {one.signer}")
        if one.source_type:
            click.echo(f"  made by    {one.source_type}")
        for model in (one.build or {}).get("models", []):
            click.echo(f"  model      {model['name']} ({model['licence']})")
        if one.build:
            click.echo(f"  project    {one.build['project']}, {one.build['name']}")
            click.echo(f"  lock       {one.build['lock_sha256']}")
        if one.problems:
            click.echo(f"  problems   {', '.join(one.problems)}")
    return 0 if good else 1
