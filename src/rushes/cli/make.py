"""rushes make."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rushes.cli.common import (
    common_options,
    pick_device,
    print_json,
    require_folder,
    tell_stale,
    vram_option,
)
from rushes.cli.figure_types import FigureType

if TYPE_CHECKING:
    from rushes.route.figures import Figure
    from rushes.run.build import Build, BuildOptions
    from rushes.spec.project import Project
    from rushes.store.store import Store


@click.command(
    "make",
    epilog="""\b
Examples:
  rushes make                    everything
  rushes make opening teaser     one shot and one film, with what they need
  rushes make --seed 8           another take of every shot; texts stay encoded
  rushes make --dry-run          what would run
  rushes make --vram 10GB        refuse what takes more of a card
  rushes make --locked           in CI: exit 3 where rushes.lock is incomplete
  rushes make --changed main     what differs from the graph at a git revision""",
)
@click.argument("targets", nargs=-1, metavar="[SHOT|FILM]...")
@click.option("--seed", type=click.IntRange(0, 2**53 - 1), help="Seed of every shot.")
@click.option("--attempts", type=click.IntRange(1, 100), help="Takes to try per shot.")
@click.option(
    "--locked",
    is_flag=True,
    help="Refuse to add anything to rushes.lock; make the takes accepted in it.",
)
@click.option("--accept", is_flag=True, help="Write the takes that pass into rushes.lock.")
@click.option(
    "--changed", "revision", metavar="REV", is_flag=False, flag_value="HEAD",
    help="Only what differs from a git revision; HEAD where none is named.",
)  # fmt: skip
@click.option("--device", metavar="NAME", help="cpu or cuda:N; default: a GPU if there is one.")
@vram_option
@click.option(
    "-j", "jobs", type=click.IntRange(1, 64), default=1, show_default=True,
    help="Exports and checks at once.",
)  # fmt: skip
@click.option("--pay", type=FigureType(), metavar="USD",
              help='The most that this run may pay, where paid = "ask".')  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Show the plan and stop.")
@common_options
def command(
    targets: tuple[str, ...],
    seed: int | None,
    attempts: int | None,
    locked: bool,
    accept: bool,
    revision: str | None,
    device: str | None,
    vram: int | None,
    jobs: int,
    pay: Figure | None,
    dry_run: bool,
    folder: Path,
    as_json: bool,
) -> int:
    """Build shots and films: run what is missing, check it, re-roll what fails."""
    from rushes.run.build import BuildOptions

    if accept and (locked or dry_run or seed is not None):
        raise click.UsageError("--accept goes with neither --locked, --dry-run nor --seed")
    folder = require_folder(folder)
    options = BuildOptions(
        targets, seed, attempts, locked, pick_device(device), jobs,
        _words(targets, seed, attempts), vram=vram, pay=None if pay is None else pay.likely,
    )  # fmt: skip
    if revision is not None:
        options = _narrow(folder, revision, options)
        if not options.targets:
            return _say_unchanged(revision, as_json)
    if dry_run:
        from rushes.cli.plan import show_plan

        return show_plan(folder, options, as_json)
    return _make(folder, options, as_json, accept=accept)


def _narrow(folder: Path, revision: str, options: BuildOptions) -> BuildOptions:
    from rushes.run.changed import find_changed

    return replace(options, targets=find_changed(folder, revision, options))


def _say_unchanged(revision: str, as_json: bool) -> int:
    from rushes.run.result import RunResult

    click.echo(f"nothing differs from {revision}", err=True)
    if as_json:
        print_json(RunResult(run="", seconds=0.0, usd=0.0, shots=[], films=[]))
    return 0


def _annotate(build: Build) -> None:
    """In GitHub Actions: failures beside their lines, and a table in the job's summary."""
    from rushes.report import annotations

    if not annotations.is_wanted(os.environ):
        return
    project = build.plan.project
    root = Path(os.environ.get("GITHUB_WORKSPACE") or project.folder)
    for line in annotations.list_annotations(build.result, project, root):
        click.echo(line, err=True)
    annotations.write_summary(annotations.make_summary(build.result, project.name), os.environ)


def _say_takes(build: Build, project: Project, store: Store, *, accept: bool) -> None:
    """Accept what passed where that was asked for; tell of accepted takes that are stale."""
    from rushes.accepted import explain_stale
    from rushes.run.accept import accept_takes, list_passed

    plan, lock = build.plan, build.lock
    if accept:
        results = store.index.get_many(plan.keys())
        names = list_passed(plan, results)
        lock, changes = accept_takes(project, plan, lock, results, store, names)
        for change in changes:
            click.echo(f"{change.what}: {change.after}, written to rushes.lock", err=True)
    tell_stale(explain_stale(project, lock.accepted), [shot.shot.name for shot in plan.shots])


def _words(targets: tuple[str, ...], seed: int | None, attempts: int | None) -> str:
    words = ["make", *targets]
    words += [] if seed is None else ["--seed", str(seed)]
    words += [] if attempts is None else ["--attempts", str(attempts)]
    return " ".join(words)


def _ask_to_pay(project: Project, folder: Path, options: BuildOptions) -> BuildOptions:
    """The options with what a person at a terminal lets it pay."""
    asks = project.policy.paid == "ask" and project.makes_remotely and options.pay is None
    if not asks or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return options
    from rushes.plan.forecast import forecast_plan
    from rushes.run.inspect import inspect_project

    view = inspect_project(folder, options)
    usd = forecast_plan(view.plan, view.results, view.typical, view.memory).totals.usd
    if not usd:
        return options
    question = f"this may cost {usd:.2f} USD, and as much again for each take after the first; pay?"
    if not click.confirm(question, err=True):
        return options
    return replace(options, pay=Decimal(str(project.policy.budget_usd)))


def _make(folder: Path, options: BuildOptions, as_json: bool, *, accept: bool) -> int:
    from rushes.cli.progress import MakeObserver
    from rushes.report.credentials import load_credentials
    from rushes.report.write import write_reports
    from rushes.run.build import build_project
    from rushes.run.retention import open_ledger
    from rushes.spec.resolve import load_project
    from rushes.store.store import Store, find_store

    project = load_project(folder)
    options = _ask_to_pay(project, folder, options)
    store = Store(find_store(folder))
    credentials = load_credentials(project, store.folder)
    with MakeObserver() as observer:
        build = build_project(project, store, open_ledger(store), options, observer)
        paths = write_reports(build, store, credentials)
    _annotate(build)
    _say_takes(build, project, store, accept=accept)
    if as_json:
        print_json(build.result)
    else:
        from rushes.cli.tables import print_build

        print_build(build.result, project, paths)
        if credentials is not None and not credentials.trusted:
            click.secho("signed by a test certificate that nobody trusts: see [signing]", dim=True)
    return build.result.exit_code
