"""rushes plan."""

from __future__ import annotations

from pathlib import Path

import click

from rushes.cli.common import (
    common_options,
    print_json,
    require_folder,
    show_bytes,
    show_seconds,
)

MAX_STEPS = 60


@click.command(
    "plan",
    epilog="""\b
Examples:
  rushes plan                what make would run, and what each shot's length became
  rushes plan teaser --json  for programs: key, cached, seconds of every stage""",
)
@click.argument("targets", nargs=-1, metavar="[SHOT|FILM]...")
@click.option("--seed", type=click.IntRange(0, 2**53 - 1), help="Seed of every shot.")
@click.option("--attempts", type=click.IntRange(1, 100), help="Takes to try per shot.")
@common_options
def command(
    targets: tuple[str, ...],
    seed: int | None,
    attempts: int | None,
    folder: Path,
    as_json: bool,
) -> int:
    """Show what make would run, in which order, and what is loaded when. Writes nothing."""
    from rushes.run.build import BuildOptions

    return show_plan(require_folder(folder), BuildOptions(targets, seed, attempts), as_json)


def show_plan(folder: Path, options: object, as_json: bool) -> int:
    """Print the plan of a project."""
    from rushes.plan.forecast import forecast_plan
    from rushes.run.build import BuildOptions
    from rushes.run.inspect import inspect_project

    assert isinstance(options, BuildOptions)
    view = inspect_project(folder, options)
    forecast = forecast_plan(view.plan, view.results, view.typical)
    if as_json:
        print_json(forecast)
        return 0
    _print_plan(view.plan, forecast)
    return 0


def _print_plan(plan: object, forecast: object) -> None:
    from rich.console import Console

    from rushes.plan.forecast import Forecast
    from rushes.plan.nodes import Plan

    assert isinstance(plan, Plan)
    assert isinstance(forecast, Forecast)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for shot in plan.shots[:MAX_STEPS]:
        console.print(f"{shot.shot.name}: {shot.shot.model.name}, {shot.shot.shape.size}, "
                      f"{shot.shot.length_note}, seed {shot.kept.seed}")  # fmt: skip
    if not forecast.order:
        console.print(f"nothing to do: all {forecast.totals.stages} stages are stored")
        return
    console.print("order of work:")
    width = max([14, *(len(step.stage) for step in forecast.order[:MAX_STEPS])])
    for number, step in enumerate(forecast.order[:MAX_STEPS], start=1):
        loads = f"  loads {', '.join(step.loads)}" if step.loads else ""
        guess = "" if step.seconds is None else f"  about {show_seconds(step.seconds)}"
        console.print(f"{number:>4}  {step.stage:<{width}} {step.shot}{guess}{loads}")
    if len(forecast.order) > MAX_STEPS:
        console.print(f"      … and {len(forecast.order) - MAX_STEPS} more")
    totals = forecast.totals
    seconds = "not known yet" if totals.seconds is None else show_seconds(totals.seconds)
    peak = "not known yet" if totals.peak_bytes is None else show_bytes(totals.peak_bytes)
    console.print(
        f"{totals.to_run} of {totals.stages} stages to run · time {seconds} · peak memory {peak}"
        f" · {totals.usd:.2f} USD"
    )
    if totals.unlocked:
        console.print("not locked yet, so keys are unknown; make will lock first", style="dim")
