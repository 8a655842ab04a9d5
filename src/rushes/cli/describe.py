"""rushes describe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rushes.cli.common import common_options, print_json, require_folder
from rushes.cli.reading_options import Reader, reading_options
from rushes.errors import UsageError

if TYPE_CHECKING:
    from rushes.run.describing import Description


@click.command(
    "describe",
    epilog="""\b
Examples:
  rushes describe clip.mp4
  rushes describe lecture.mp4 --model qwen3-vl-8b --format vtt --out lecture.vtt
  rushes describe lecture.mp4 --chapter 60 --format md
  rushes describe clip.mp4 --json""",
)
@click.argument("video", metavar="FILE|SHOT|FILM")
@reading_options("Who describes.")
@click.option("--question", metavar="TEXT", help='Asked of every chapter; else "what happens?".')
@click.option(
    "--chapter", type=click.FloatRange(0.25, 3600), metavar="SECONDS", help="The longest chapter."
)
@click.option(
    "--format", "form", type=click.Choice(["text", "vtt", "srt", "md"]), default="text",
    show_default=True, help="How it is written.",
)  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Into a file.")
@common_options
def command(
    video: str,
    reader: Reader,
    question: str | None,
    chapter: float | None,
    form: str,
    out: Path | None,
    folder: Path,
    as_json: bool,
) -> int:
    """Write what is shown when: chapters as text, JSON, WebVTT, SRT or Markdown.

    A chapter is a scene; long ones are cut evenly. What was read is kept: stopped, the same command
    goes on where it was.
    """
    from rushes.run.checking import find_target
    from rushes.run.describing import QUESTION, describe_file

    folder, selection = require_folder(folder), reader.select()
    path = find_target(video, folder)
    with reader.open(folder, "describe") as session:
        found = describe_file(session, path, question or QUESTION, selection, chapter)
    for lost in found.lost:
        click.echo(f"warning: not all of it could be read: {lost}", err=True)
    if as_json:
        print_json(to_document(found))
    text = write_text(path.name, found, form)
    if out is not None:
        try:
            (folder / out).write_text(text, encoding="utf-8")
        except OSError as exc:
            raise UsageError(f"cannot write {out}: {exc.strerror}", where=str(out)) from exc
    elif not as_json:
        click.echo(text, nl=False)
    return 0


def write_text(name: str, found: Description, form: str) -> str:
    """The chapters in one of the forms."""
    from rushes.readers.selection import show_time
    from rushes.report.chapters import write_markdown, write_srt, write_vtt

    if form == "vtt":
        return write_vtt(found.chapters)
    if form == "srt":
        return write_srt(found.chapters)
    if form == "md":
        return write_markdown(name, found.chapters)
    return "".join(
        f"{show_time(one.start_seconds)}–{show_time(one.end_seconds)}  {one.text}\n"
        for one in found.chapters
    )


def to_document(found: Description) -> dict[str, object]:
    """The ``describe --json`` document."""
    chapters = [
        {
            "start_seconds": round(one.start_seconds, 3),
            "end_seconds": round(one.end_seconds, 3),
            "text": one.text,
            "frames": list(one.frames),
        }
        for one in found.chapters
    ]
    more = {"lost": list(found.lost)} if found.lost else {}
    return {"chapters": chapters, "model": found.model, "tokens": found.tokens, **more}
