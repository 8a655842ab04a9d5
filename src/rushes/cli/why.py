"""rushes why."""

from __future__ import annotations

from pathlib import Path

import click

from rushes.cli.common import common_options, print_json, require_folder


@click.command(
    "why",
    epilog="""\b
Examples:
  rushes why opening             every stage of a shot
  rushes why opening:denoise     one stage: "seed 7 → 8; 6 stages after it follow\"""",
)
@click.argument("place", metavar="SHOT[:STAGE]")
@common_options
def command(place: str, folder: Path, as_json: bool) -> int:
    """Say in words why a stage would run, or why not."""
    from rushes.plan.explain import GraphRecord, explain_place, record_graph
    from rushes.report.manifest import read_manifest
    from rushes.run.build import BuildOptions
    from rushes.run.inspect import inspect_project

    folder = require_folder(folder)
    view = inspect_project(folder, BuildOptions())
    manifest = read_manifest(folder)
    before = manifest.graph if manifest is not None else GraphRecord()
    answers = explain_place(place, before, record_graph(view.plan), set(view.results))
    if as_json:
        print_json({"place": place, "stages": answers})
        return 0
    for answer in answers:
        click.echo(f"{answer.shot}:{answer.stage} {answer.text}")
    return 0
