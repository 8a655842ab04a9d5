"""rushes make."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rushes.cli.common import (
    common_options,
    pick_device,
    print_json,
    require_folder,
    vram_option,
)

if TYPE_CHECKING:
    from rushes.run.build import Build, BuildOptions


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
@click.option("--locked", is_flag=True, help="Refuse to add anything to rushes.lock.")
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
@click.option("--dry-run", is_flag=True, help="Show the plan and stop.")
@common_options
def command(
    targets: tuple[str, ...],
    seed: int | None,
    attempts: int | None,
    locked: bool,
    revision: str | None,
    device: str | None,
    vram: int | None,
    jobs: int,
    dry_run: bool,
    folder: Path,
    as_json: bool,
) -> int:
    """Build shots and films: run what is missing, check it, re-roll what fails."""
    from rushes.run.build import BuildOptions

    folder = require_folder(folder)
    options = BuildOptions(
        targets, seed, attempts, locked, pick_device(device), jobs,
        _words(targets, seed, attempts), vram=vram,
    )  # fmt: skip
    if revision is not None:
        options = _narrow(folder, revision, options)
        if not options.targets:
            return _say_unchanged(revision, as_json)
    if dry_run:
        from rushes.cli.plan import show_plan

        return show_plan(folder, options, as_json)
    return _make(folder, options, as_json)


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


def _words(targets: tuple[str, ...], seed: int | None, attempts: int | None) -> str:
    words = ["make", *targets]
    words += [] if seed is None else ["--seed", str(seed)]
    words += [] if attempts is None else ["--attempts", str(attempts)]
    return " ".join(words)


def _make(folder: Path, options: BuildOptions, as_json: bool) -> int:
    from rushes.cli.progress import MakeObserver
    from rushes.report.credentials import load_credentials
    from rushes.report.write import write_reports
    from rushes.run.build import build_project
    from rushes.run.retention import open_ledger
    from rushes.spec.resolve import load_project
    from rushes.store.store import Store, find_store

    project = load_project(folder)
    store = Store(find_store(folder))
    credentials = load_credentials(project, store.folder)
    with MakeObserver() as observer:
        build = build_project(project, store, open_ledger(store), options, observer)
        paths = write_reports(build, store, credentials)
    _annotate(build)
    if as_json:
        print_json(build.result)
    else:
        from rushes.cli.tables import print_build

        print_build(build.result, project, paths)
        if credentials is not None and not credentials.trusted:
            click.secho("signed by a test certificate that nobody trusts: see [signing]", dim=True)
    return build.result.exit_code
