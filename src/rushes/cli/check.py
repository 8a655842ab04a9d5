"""rushes check."""

from __future__ import annotations

from pathlib import Path

import click

from rushes.cli.common import common_options, print_json, require_folder


@click.command(
    "check",
    epilog="""\b
Examples:
  rushes check clip.mp4                         any video file, no project needed
  rushes check clip.mp4 --checks black,silence  some checks only
  rushes check opening teaser                   what was built of the project""",
)
@click.argument("targets", nargs=-1, required=True, metavar="FILE|SHOT...")
@click.option("--checks", default="default", show_default=True, help="Names, with commas.")
@common_options
def command(targets: tuple[str, ...], checks: str, folder: Path, as_json: bool) -> int:
    """Run checks on any video file, or on shots of the project. Exit 1 if one fails."""
    from rushes.checks.registry import expand_checks
    from rushes.run.checking import check_target

    folder = require_folder(folder)
    names = expand_checks([name.strip() for name in checks.split(",") if name.strip()])
    documents = [check_target(target, folder, names) for target in targets]
    if as_json:
        print_json(documents[0] if len(documents) == 1 else {"files": documents})
    else:
        for document in documents:
            _print_document(document)
    return 0 if all(document["passed"] for document in documents) else 1


def _print_document(document: dict[str, object]) -> None:
    rows = document["checks"]
    assert isinstance(rows, list)
    click.echo(click.style(str(document["file"]), bold=True))
    for row in rows:
        mark = click.style("pass", fg="green") if row["passed"] else click.style("FAIL", fg="red")
        if not row["passed"] and row.get("level") == "warn":
            mark = click.style("warn", fg="yellow")
        needs = f"needs {row['threshold']:g}"
        if "calibrated" in row:
            needs += f", calibrated {row['calibrated']:g}"
        numbers = f"{row['score']:.3f} ({needs})"
        click.echo(f"  {mark}  {row['check']:<10} {numbers:<22} {row['message']}")
        for span in row["spans"][:8]:
            note = f" {span['note']}" if span["note"] else ""
            click.echo(f"        {span['start_seconds']:.2f}–{span['end_seconds']:.2f} s{note}")
