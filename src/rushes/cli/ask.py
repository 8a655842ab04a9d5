"""rushes ask."""

from __future__ import annotations

from pathlib import Path

import click

from rushes.catalogue.reader import DEFAULT_READER
from rushes.cli.common import common_options, pick_device, print_json, require_folder


@click.command(
    "ask",
    epilog="""\b
Examples:
  rushes ask clip.mp4 "what happens?"                any video file, no project needed
  rushes ask opening "when does the ball land?"      what was built of the project
  rushes ask opening "is there a red ball?" "does it bounce?" --json""",
)
@click.argument("video", metavar="FILE|SHOT|FILM")
@click.argument("questions", nargs=-1, required=True, metavar="QUESTION...")
@click.option(
    "--model", default=DEFAULT_READER, show_default=True, metavar="NAME", help="Who answers."
)
@click.option("--device", metavar="NAME", help="cpu or cuda:N; default: a GPU if there is one.")
@common_options
def command(
    video: str,
    questions: tuple[str, ...],
    model: str,
    device: str | None,
    folder: Path,
    as_json: bool,
) -> int:
    """Ask about any video file, or about shots of the project.

    Spotter, the embedded reader, knows only the world of sprite: coloured balls, squares, triangles
    and crosses that move on a plain background. What it says about any other video means nothing.
    """
    from rushes.run.asking import ask_file
    from rushes.run.checking import find_target

    path = find_target(video, require_folder(folder))
    asked = [("", question) for question in questions]
    answers = [row.to_answer() for row in ask_file(path, asked, model, pick_device(device))]
    if as_json:
        documents = [answer.to_dict() for answer in answers]
        print_json(documents[0] if len(documents) == 1 else {"answers": documents})
        return 0
    for question, answer in zip(questions, answers, strict=True):
        if len(answers) > 1:
            click.echo(click.style(question, bold=True))
        click.echo(answer.answer)
        for span in answer.spans:
            click.echo(f"  {span.start_seconds:.2f}–{span.end_seconds:.2f} s  {span.text}")
    return 0
