"""rushes ask."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rushes.catalogue.reader import DEFAULT_READER
from rushes.cli.common import common_options, pick_device, print_json, require_folder
from rushes.errors import UsageError

if TYPE_CHECKING:
    from rushes.readers.base import Answer
    from rushes.readers.budget import Look
    from rushes.readers.selection import Selection
    from rushes.run.explaining import LongLook

F = TypeVar("F", bound=Callable[..., Any])

SELECTION = (
    click.option("--fps", type=float, metavar="N", help="Frames a second to look at."),
    click.option("--frames", type=int, metavar="N", help="At most so many frames."),
    click.option("--scenes", is_flag=True, help="One frame a scene, from its middle."),
    click.option("--from", "start", metavar="TIME", help="From there: 12.5, 4:12, 1:02:03."),
    click.option("--to", "end", metavar="TIME", help="Up to there."),
    click.option("--at", metavar="TIME", help="From 4 s before to 4 s after that."),
    click.option("--drop-duplicates", is_flag=True, help="Leave out frames like the last."),
)


def selection_options(function: F) -> F:
    """The options that say which part of a clip is looked at, and how."""
    for option in reversed(SELECTION):
        function = option(function)
    return function


def take_selection(said: dict[str, Any]) -> Selection:
    """What they say; they are taken out of ``said``."""
    from rushes.readers.selection import make_selection

    names = ("fps", "frames", "start", "end", "at", "drop_duplicates")
    more = {name: said.pop(name) for name in names}
    return make_selection(by="scenes" if said.pop("scenes") else "even", **more)


@click.command(
    "ask",
    epilog="""\b
Examples:
  rushes ask clip.mp4 "what happens?"                any video file, no project needed
  rushes ask opening "when does the ball land?"      what was built of the project
  rushes ask opening "is there a red ball?" "does it bounce?" --json
  rushes ask talk.mp4 "who speaks?" --at 4:12 --model qwen3-vl-8b
  rushes ask talk.mp4 "who speaks?" --model auto     the best reader that is here, open first
  rushes ask --batch footage/ --batch more.txt "who is there?" --out answers.jsonl
  rushes ask talk.mp4 "what is shown?" --schema scene.json     JSON that follows a schema
  rushes ask talk.mp4 "what is shown?" --scenes --explain      how many frames and tokens""",
)
@click.argument("words", nargs=-1, required=True, metavar="FILE|SHOT|FILM QUESTION...")
@click.option(
    "--batch", "batch", multiple=True, metavar="FILE|FOLDER|LIST",
    help="Ask about all of these instead; a line of JSON each.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", help="The batch's lines into a file."
)
@click.option("-j", "jobs", type=click.IntRange(1, 64), default=1, help="Requests at once.")
@click.option(
    "--model", default=DEFAULT_READER, show_default=True, metavar="NAME", help="Who answers."
)
@selection_options
@click.option(
    "--schema",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A JSON Schema that the answer has to follow.",
)
@click.option("--pay", is_flag=True, help='It may be paid, where the policy says paid = "ask".')
@click.option(
    "--keep/--no-keep", default=True, help="Keep frames and answers in the store (the default)."
)
@click.option("--unknown", is_flag=True, help="Say in the question that it need not be shown.")
@click.option(
    "--evidence", type=click.Path(path_type=Path), metavar="DIR",
    help="Write the frames that were looked at as pictures.",
)  # fmt: skip
@click.option("--explain", is_flag=True, help="Say what would be looked at; ask nothing.")
@click.option("--device", metavar="NAME", help="cpu or cuda:N; default: a GPU if there is one.")
@common_options
def command(
    words: tuple[str, ...],
    batch: tuple[str, ...],
    out: Path | None,
    jobs: int,
    evidence: Path | None,
    unknown: bool,
    model: str,
    schema: Path | None,
    keep: bool,
    explain: bool,
    pay: bool,
    device: str | None,
    folder: Path,
    as_json: bool,
    **said: Any,
) -> int:
    """Ask about any video file, or about shots of the project.

    Spotter, the embedded reader, knows only the world of sprite: coloured balls, squares, triangles
    and crosses that move on a plain background. What it says about any other video means nothing.
    """
    from rushes.cli.answerers import AUTO, ask_paid, find_answerer
    from rushes.cli.asking import Asking, ask_batch, ask_one, explain_one
    from rushes.readers.structured import read_form
    from rushes.run.reader import find_policy

    selection = take_selection(said)
    folder = require_folder(folder)
    project, remote = find_policy(folder), None
    if model == AUTO or (project is not None and model in project.remotes):
        model, remote = find_answerer(model, project)
    asking = Asking(
        folder=folder,
        model=model,
        device=pick_device(device),
        project=project,
        selection=selection,
        form=None if schema is None else read_form(folder / schema),
        keep=keep,
        jobs=jobs,
        unknown=unknown,
    )
    if batch:
        if explain or evidence is not None:
            raise UsageError("--explain and --evidence are about a single file")
        if remote is not None:
            raise UsageError(
                f"{remote.name} is paid by the answer, and a batch has no end",
                hint="name a reader of the catalogue, or one of [readers], with --model",
            )
        return ask_batch(asking, batch, words, out, as_json)
    if out is not None:
        raise UsageError("--out takes the lines of a batch", hint="name files with --batch")
    if len(words) < 2:
        raise UsageError("there is no QUESTION", hint='rushes ask clip.mp4 "what happens?"')
    video, questions = words[0], words[1:]
    if explain:
        return _explain(*explain_one(asking, video, questions), model, as_json)
    if remote is not None:
        assert project is not None
        if schema is not None or evidence is not None or unknown:
            raise UsageError("--schema, --evidence and --unknown are not for answers that are paid")
        answers = ask_paid(video, questions, remote, selection, project, folder, pay)
        return print_answers(questions, answers, as_json)
    if asking.form is None and evidence is None and not as_json and sys.stdout.isatty():
        from rushes.cli.speaking import speak_answers

        return speak_answers(asking, video, questions)
    answers, written = ask_one(asking, video, questions, evidence)
    return print_answers(questions, answers, as_json, written)


def print_answers(
    questions: tuple[str, ...], answers: list[Answer], as_json: bool, evidence: Sequence[Path] = ()
) -> int:
    """Answers as text or as a document; what was lost of the file on standard error.

    Args:
        evidence: pictures of what was looked at.
    """
    for lost in dict.fromkeys(text for answer in answers for text in answer.lost):
        click.echo(f"warning: not all of it could be read: {lost}", err=True)
    if as_json:
        more = {"evidence": [str(path) for path in evidence]} if evidence else {}
        documents = [{**answer.to_dict(), **more} for answer in answers]
        print_json(documents[0] if len(documents) == 1 else {"answers": documents})
        return 0
    from rushes.cli.speaking import print_spans

    for question, answer in zip(questions, answers, strict=True):
        if len(answers) > 1:
            click.echo(click.style(question, bold=True))
        click.echo(answer.answer)
        print_spans(answer)
    return 0


def _explain(look: Look, long: Sequence[LongLook], model: str, as_json: bool) -> int:
    if as_json:
        more = {"long": [one.to_dict() for one in long]} if long else {}
        print_json({"explain": {"model": model, **look.to_dict(), **more}})
        return 0
    size, (height, width) = look.size, look.shape
    seconds = "of a length it does not say" if look.seconds is None else f"{look.seconds:.1f} s"
    step = "one a scene" if look.step_seconds is None else f"one every {look.step_seconds:.2f} s"
    fitted = "" if look.frames == look.wanted else f"; there is no room for {look.wanted}"
    used = size.tokens + look.asked + look.answer
    for name, text in (
        ("clip", f"{width}x{height}, {seconds} looked at"),
        ("frames", f"{look.frames} at most, {step}{fitted}"),
        ("each", f"{size.width}x{size.height} as {model} sees it"),
        ("tokens", f"{size.tokens:,} frames + {look.asked:,} question + {look.answer:,} answer"),
        ("", f"= {used:,} at most, of {look.context:,}; {look.left:,} left"),
    ):
        click.echo(f"{name:<8}{text}")
    for one in long:
        for name, text in zip(("windows", ""), one.describe(), strict=True):
            click.echo(f"{name:<8}{text}")
    return 0
