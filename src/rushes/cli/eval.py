"""rushes eval."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from rushes.cli.ask import selection_options, take_selection
from rushes.cli.common import common_options, pick_device, print_json, require_folder


@click.command(
    "eval",
    epilog="""\b
Examples:
  rushes models choose --task understand --vram 24GB --suite trial.toml
  rushes eval trial.toml                               the two that it names
  rushes eval own.toml --models qwen3-vl-8b,internvl3-8b --html eval.html
  rushes eval own.toml --models spotter,big --gpu-per-hour 2    what 1,000 questions cost
  rushes eval Video-MME/videomme/test-00000-of-00001.parquet --videos Video-MME/data --models a,b
  rushes eval MVBench --models a,b --frames 16         json/ and video/ in one folder""",
)
@click.argument("suite", type=click.Path(path_type=Path), metavar="SUITE")
@click.option("--models", metavar="A,B", help="Who is asked; default: those of the suite.")
@click.option(
    "--videos",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where the videos are; default: beside the suite.",
)
@selection_options
@click.option(
    "--gpu-per-hour", type=click.FloatRange(min=0), metavar="USD", help="For the cost of 1,000."
)
@click.option(
    "--html", type=click.Path(path_type=Path), metavar="FILE", help="Write a page with all answers."
)
@click.option(
    "--keep/--no-keep", default=True, help="Keep frames and answers in the store (the default)."
)
@click.option("--device", metavar="NAME", help="cpu or cuda:N; default: a GPU if there is one.")
@common_options
def command(
    suite: Path,
    models: str | None,
    videos: Path | None,
    gpu_per_hour: float | None,
    html: Path | None,
    keep: bool,
    device: str | None,
    folder: Path,
    as_json: bool,
    **said: Any,
) -> int:
    """Try readers on your own data: accuracy, times, cost, with their uncertainty.

    SUITE is a TOML file of your own, or what the owners of Video-MME, MVBench, MMMU-Pro or
    Charades-STA distribute. Nothing is downloaded.
    """
    from rushes.evals.published import load_suite
    from rushes.report.evaluation import draw_page, list_lines
    from rushes.run.evaluating import EvaluationSettings, evaluate
    from rushes.run.reader import find_policy

    selection = take_selection(said)
    folder = require_folder(folder)
    project = find_policy(folder)
    with tempfile.TemporaryDirectory(prefix="rushes-eval-") as scratch:
        beside = None if videos is None else folder / videos
        loaded = load_suite(folder / suite, beside, Path(scratch))
        asked = loaded.suite.models if models is None else _split_names(models)
        settings = EvaluationSettings(
            folder, pick_device(device), project, selection, gpu_per_hour, keep
        )
        evaluation = evaluate(loaded, asked, settings, _show_progress)
    if html is not None:
        from rushes.cli.choosing import write_file

        write_file(folder / html, draw_page(evaluation, datetime.now(UTC).date().isoformat()))
    if as_json:
        print_json(evaluation.to_dict())
        return 0
    for line in list_lines(evaluation):
        click.echo(line)
    return 0


def _split_names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _show_progress(model: str, done: int, total: int) -> None:
    """On a terminal a line that is written over; elsewhere one at the start and one at the end."""
    import sys

    if sys.stderr.isatty():
        click.echo(f"\r{model}: {done} of {total}", err=True, nl=done == total)
    elif done in (0, total):
        click.echo(f"{model}: {done} of {total}", err=True)
