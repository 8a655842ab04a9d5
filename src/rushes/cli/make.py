"""rushes make."""

from __future__ import annotations

from pathlib import Path

import click

from rushes.cli.common import (
    common_options,
    pick_device,
    print_json,
    require_folder,
    vram_option,
)


@click.command(
    "make",
    epilog="""\b
Examples:
  rushes make                    everything
  rushes make opening teaser     one shot and one film, with what they need
  rushes make --seed 8           another take of every shot; texts stay encoded
  rushes make --dry-run          what would run
  rushes make --vram 10GB        refuse what takes more of a card
  rushes make --locked           in CI: exit 3 where rushes.lock is incomplete""",
)
@click.argument("targets", nargs=-1, metavar="[SHOT|FILM]...")
@click.option("--seed", type=click.IntRange(0, 2**53 - 1), help="Seed of every shot.")
@click.option("--attempts", type=click.IntRange(1, 100), help="Takes to try per shot.")
@click.option("--locked", is_flag=True, help="Refuse to add anything to rushes.lock.")
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
    if dry_run:
        from rushes.cli.plan import show_plan

        return show_plan(folder, options, as_json)
    return _make(folder, options, as_json)


def _words(targets: tuple[str, ...], seed: int | None, attempts: int | None) -> str:
    words = ["make", *targets]
    words += [] if seed is None else ["--seed", str(seed)]
    words += [] if attempts is None else ["--attempts", str(attempts)]
    return " ".join(words)


def _make(folder: Path, options: object, as_json: bool) -> int:
    from rushes.cli.progress import MakeObserver
    from rushes.report.credentials import load_credentials
    from rushes.report.write import sign_build, write_reports
    from rushes.run.build import BuildOptions, build_project, open_ledger
    from rushes.spec.resolve import load_project
    from rushes.store.store import Store, find_store

    assert isinstance(options, BuildOptions)
    project = load_project(folder)
    store = Store(find_store(folder))
    credentials = load_credentials(project, store.folder)
    with MakeObserver() as observer:
        build = build_project(project, store, open_ledger(store), options, observer)
        paths = write_reports(build, store)
        sign_build(build, store, credentials)
        if credentials is not None:
            note = "" if credentials.trusted else " (by a test certificate that nobody trusts)"
            paths["signed"] = Path(f"out/signed{note}")
    if as_json:
        print_json(build.result)
    else:
        from rushes.cli.tables import print_build

        print_build(build.result, project, paths)
    return build.result.exit_code
