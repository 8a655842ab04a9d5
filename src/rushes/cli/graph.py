"""rushes graph."""

from __future__ import annotations

from pathlib import Path

import click

from rushes.cli.common import common_options, print_json, require_folder


@click.command(
    "graph",
    epilog="""\b
Examples:
  rushes graph                      a tree, shot by shot
  rushes graph --format mermaid     for a README or a pull request
  rushes graph teaser --json        nodes with params, inputs and keys""",
)
@click.argument("targets", nargs=-1, metavar="[SHOT|FILM]...")
@click.option(
    "--format", "form", type=click.Choice(["text", "mermaid", "json"]), default="text",
    show_default=True, help="How to print it.",
)  # fmt: skip
@common_options
def command(targets: tuple[str, ...], form: str, folder: Path, as_json: bool) -> int:
    """Print the graph of stages as text, Mermaid or JSON."""
    from rushes.plan.draw import draw_mermaid, draw_text
    from rushes.plan.explain import record_graph
    from rushes.run.build import BuildOptions
    from rushes.run.inspect import inspect_project

    view = inspect_project(require_folder(folder), BuildOptions(targets))
    graph = record_graph(view.plan)
    if as_json or form == "json":
        print_json(graph)
        return 0
    cached = set(view.results)
    draw = draw_mermaid if form == "mermaid" else draw_text
    click.echo(draw(graph, cached))
    return 0
