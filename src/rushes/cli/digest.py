"""rushes digest."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from rushes.cli.common import common_options, pick_device, print_json, require_folder


@click.command(
    "digest",
    epilog="""\b
Examples:
  rushes find "a van arrives" footage --out vans.jsonl
  rushes digest vans.jsonl --model qwen3-8b            a summary that names files and times
  rushes digest *.jsonl --task "Which gate is used most, and when?" --model big
  rushes digest vans.jsonl --model big --schema report.json --json""",
)
@click.argument("readings", nargs=-1, required=True, type=click.Path(path_type=Path),
                metavar="READINGS...")  # fmt: skip
@click.option("--model", required=True, metavar="NAME",
              help="A text model of the catalogue, or of [texts] in the project.")  # fmt: skip
@click.option("--task", metavar="TEXT", help="What is wanted; default: a summary.")
@click.option("--schema", type=click.Path(path_type=Path), metavar="FILE",
              help="A JSON Schema that the summary has to follow.")  # fmt: skip
@click.option("--device", metavar="NAME", help="cpu or cuda:N; default: a GPU if there is one.")
@common_options
def command(
    readings: tuple[Path, ...],
    model: str,
    task: str | None,
    schema: Path | None,
    device: str | None,
    folder: Path,
    as_json: bool,
) -> int:
    """Turn many readings into one summary, by a text model.

    READINGS are files of JSON lines, as find, watch and ask --batch write them. Nothing is kept.
    """
    from rushes.readers.structured import read_form
    from rushes.run.digesting import TASK, make_digest, open_model, read_lines
    from rushes.run.reader import find_policy

    folder = require_folder(folder)
    project = find_policy(folder)
    lines = read_lines(folder / path for path in readings)
    form = None if schema is None else read_form(folder / schema)
    speaks = form is None and not as_json and sys.stdout.isatty()
    with open_model(model, project, pick_device(device)) as (opened, context):
        digest = make_digest(opened, context, lines, task or TASK, form, _speak if speaks else None)
    if as_json:
        print_json(digest.to_dict())
    else:
        click.echo("" if speaks else digest.answer.answer)
    return 0


def _speak(words: str) -> None:
    click.echo(words, nl=False)
