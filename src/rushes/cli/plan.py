"""rushes plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rushes.cli.common import (
    common_options,
    print_json,
    require_folder,
    show_bytes,
    show_seconds,
    tell_stale,
    vram_option,
)

if TYPE_CHECKING:
    from rich.console import Console

    from rushes.plan.forecast import Forecast, MemoryForecast, StageForecast
    from rushes.run.build import BuildOptions
    from rushes.run.inspect import View

MAX_STEPS = 60


@click.command(
    "plan",
    epilog="""\b
Examples:
  rushes plan                what make would run, and what each shot's length became
  rushes plan --vram 24GB    how it fits a card of 24 GB (10^9 bytes), or exit 3 and what would
  rushes plan --device rtx4090 --explain   every way to place each stage, and why one was taken
  rushes plan teaser --json  for programs: key, cached, seconds, peak_bytes of every stage""",
)
@click.argument("targets", nargs=-1, metavar="[SHOT|FILM]...")
@click.option("--seed", type=click.IntRange(0, 2**53 - 1), help="Seed of every shot.")
@click.option("--attempts", type=click.IntRange(1, 100), help="Takes to try per shot.")
@vram_option
@click.option(
    "--device", metavar="NAME", help="Plan for this: a card such as rtx4090, or cpu, or cuda:N."
)
@click.option("--explain", is_flag=True, help="Show the candidates for every stage's memory.")
@common_options
def command(
    targets: tuple[str, ...],
    seed: int | None,
    attempts: int | None,
    vram: int | None,
    device: str | None,
    explain: bool,
    folder: Path,
    as_json: bool,
) -> int:
    """Show what make would run, in which order, and what is loaded when. Writes nothing."""
    from rushes.run.build import BuildOptions

    options = BuildOptions(targets, seed, attempts, device=device or "auto", vram=vram)
    return show_plan(require_folder(folder), options, as_json, explain=explain)


def show_plan(folder: Path, options: BuildOptions, as_json: bool, *, explain: bool = False) -> int:
    """Print the plan of a project.

    Raises:
        MemoryRefused: a card or a limit was named, or is there, and the plan does not fit it.
    """
    from rushes.plan.forecast import forecast_plan
    from rushes.plan.memory.explain import explain_memory
    from rushes.plan.memory.refuse import refuse_misfit
    from rushes.run.inspect import inspect_project

    view = inspect_project(folder, options)
    if options.device != "auto" or view.memory.target.device.kind != "cpu":
        refuse_misfit(view.plan.project, view.memory)
    tell_stale(view.stale, [shot.shot.name for shot in view.plan.shots])
    forecast = forecast_plan(view.plan, view.results, view.typical, view.memory)
    reasons = explain_memory(view.memory) if explain else None
    if as_json:
        import msgspec

        document = msgspec.to_builtins(forecast)
        print_json(document if reasons is None else {**document, "explain": reasons})
        return 0
    _print_plan(view, forecast)
    if reasons is not None:
        from rushes.cli.tables import print_candidates

        print_candidates(reasons, forecast.memory)
    return 0


def _print_plan(view: View, forecast: Forecast) -> None:
    from rich.console import Console

    plan = view.plan
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for shot in plan.shots[:MAX_STEPS]:
        console.print(f"{shot.shot.name}: {shot.shot.model.name}, {shot.shot.shape.size}, "
                      f"{shot.shot.length_note}, seed {shot.kept.seed}")  # fmt: skip
    if not forecast.order:
        console.print(f"nothing to do: all {forecast.totals.stages} stages are stored")
        _print_memory(console, forecast.memory)
        return
    console.print("order of work:")
    peaks = {(stage.shot, stage.stage): stage for stage in forecast.stages}
    width = max([14, *(len(step.stage) for step in forecast.order[:MAX_STEPS])])
    for number, step in enumerate(forecast.order[:MAX_STEPS], start=1):
        stage = peaks.get((step.shot, step.stage))
        lies = ""
        if stage is not None and stage.peak_bytes is not None and _is_news(forecast.memory, stage):
            lies = f"  {show_bytes(stage.peak_bytes)} {stage.placement}"
        loads = f"  loads {', '.join(step.loads)}" if step.loads else ""
        guess = "" if step.seconds is None else f"  about {show_seconds(step.seconds)}"
        console.print(f"{number:>4}  {step.stage:<{width}} {step.shot}{guess}{lies}{loads}")
    if len(forecast.order) > MAX_STEPS:
        console.print(f"      … and {len(forecast.order) - MAX_STEPS} more")
    totals = forecast.totals
    seconds = "not known yet" if totals.seconds is None else show_seconds(totals.seconds)
    peak = "not known yet" if totals.peak_bytes is None else show_bytes(totals.peak_bytes)
    console.print(
        f"{totals.to_run} of {totals.stages} stages to run · time {seconds} · peak memory {peak}"
        f" · {totals.usd:.2f} USD"
    )
    _print_memory(console, forecast.memory)
    if totals.unlocked:
        console.print("not locked yet, so keys are unknown; make will lock first", style="dim")


def _is_news(memory: MemoryForecast | None, stage: StageForecast) -> bool:
    """Whether a stage's memory is shown: a limit was stated, or it does not simply fit."""
    asked = memory is not None and bool(memory.limit)
    return stage.placement is not None and (asked or stage.placement != "resident")


def _print_memory(console: Console, memory: MemoryForecast | None) -> None:
    if memory is None:
        return
    if memory.device == "cpu" and memory.fits and not memory.limit:
        return
    limit = memory.limit or f"{show_bytes(memory.limit_bytes)} of memory"
    fits = "fits" if memory.fits else "does NOT fit"
    console.print(f"memory: {fits} {memory.device} ({memory.title}; {limit})")
    for model, numerics in memory.numerics.items():
        said = ", ".join(f"{part} in {how}" for part, how in numerics.items())
        state = "would be locked" if model in memory.proposed else "locked"
        if model in memory.stated:
            said = ", ".join(filter(None, [memory.stated[model], said]))
            console.print(f"numerics of {model.partition('@')[0]}: {said} (stated)")
        elif said:
            console.print(f"numerics of {model}: {said} ({state}; changes the bytes)")
    for model in memory.untraced:
        console.print(f"not all stages of {model} were traced; theirs is not known")
