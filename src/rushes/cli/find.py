"""rushes find."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rushes.cli.common import common_options, print_json, require_folder
from rushes.cli.lines import Tally, open_lines, show_path, write_error
from rushes.cli.reading_options import Reader, reading_options

if TYPE_CHECKING:
    from rushes.run.finding import Finding, Search


@click.command(
    "find",
    epilog="""\b
Examples:
  rushes find "a red ball bounces" clip.mp4
  rushes find "a person falls" cameras/ --model qwen3-vl-8b --out found.jsonl
  rushes find "a door opens" list.txt --jsonl       a line of JSON a file
  rushes find "a red ball bounces" clip.mp4 --from 1:00 --to 2:00 --json""",
)
@click.argument("event")
@click.argument("sources", nargs=-1, required=True, metavar="FILE|FOLDER|LIST...")
@reading_options("Who looks.")
@click.option(
    "--window", type=click.FloatRange(0.25, 3600), metavar="SECONDS", help="Read so much at once."
)
@click.option(
    "--threshold", type=click.FloatRange(0, 1), default=0.5, show_default=True,
    help="The score from which on it counts.",
)  # fmt: skip
@click.option("--explain", is_flag=True, help="Say how much would be read; ask nothing.")
@click.option("--jsonl", is_flag=True, help="A line of JSON a file on standard output.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", help="These lines into a file."
)
@common_options
def command(
    event: str,
    sources: tuple[str, ...],
    reader: Reader,
    window: float | None,
    threshold: float,
    explain: bool,
    jsonl: bool,
    out: Path | None,
    folder: Path,
    as_json: bool,
) -> int:
    """Find when something happens, in one file or thousands.

    Scenes are found, long ones are cut into windows, and a reader says of each how likely it shows
    the event. What was read is kept: stopped, the same command goes on where it was.
    """
    from rushes.run.finding import Search, find_events
    from rushes.run.sources import list_sources

    folder = require_folder(folder)
    search = Search(event, reader.select(), window, threshold, reader.fps)
    paths = list_sources(sources, folder)
    if explain:
        return _explain(search, paths, reader.model, folder, as_json)
    tally, found = Tally(len(paths)), list[dict[str, object]]()
    into = None if out is None else folder / out
    with reader.open(folder, "find") as session, open_lines(into) as lines:
        for finding in find_events(session, paths, search):
            finding = replace(finding, name=show_path(finding.name, folder))
            tally.count(finding.name, finding.error)
            document = to_document(finding)
            if jsonl or out is not None:
                lines.write(document)
            if as_json:
                found.append(document)
            elif not jsonl and out is None:
                _print(finding)
    if as_json:
        print_json({"event": event, "model": reader.model, "files": found})
    elif len(paths) > 1:
        tally.finish()
    return tally.code


def _explain(search: Search, paths: list[Path], model: str, folder: Path, as_json: bool) -> int:
    from rushes.run.explaining import explain_search
    from rushes.run.reader import find_policy

    project, documents = find_policy(folder), list[dict[str, object]]()
    for path in paths:
        look, name = explain_search(path, search, model, project), show_path(str(path), folder)
        documents.append({"file": name, **look.to_dict()})
        if not as_json:
            click.echo(f"{name}: {look.windows} or more windows of at most {look.seconds:g} s")
    if as_json:
        print_json({"explain": {"model": model, "files": documents}})
        return 0
    click.echo(f"each is asked, as long as it says yes: {'; '.join(search.questions)}")
    return 0


def to_document(finding: Finding) -> dict[str, object]:
    """The line of one file."""
    if finding.error is not None:
        return write_error(finding.name, finding.error)
    intervals = [
        {
            "start_seconds": round(one.start_seconds, 3),
            "end_seconds": round(one.end_seconds, 3),
            "score": one.score,
            "frames": list(one.frames),
        }
        for one in finding.intervals
    ]
    more: dict[str, Any] = {"lost": list(finding.lost)} if finding.lost else {}
    return {"file": finding.name, "intervals": intervals, "windows": finding.windows, **more}


def _print(finding: Finding) -> None:
    from rushes.readers.selection import show_time

    if finding.error is None and not finding.intervals:
        click.echo(f"{finding.name}: not found")
    for one in finding.intervals:
        times = f"{show_time(one.start_seconds)}–{show_time(one.end_seconds)}"
        click.echo(f"{finding.name}: {times}  {one.score:.2f}")
