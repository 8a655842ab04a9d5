"""rushes cache."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from rushes.cli.common import common_options, help_option, print_json, require_folder, show_bytes


@click.group(
    "cache",
    epilog="""\b
Examples:
  rushes cache status          what the store holds, by stage
  rushes cache gc --days 0     drop all that the project as it is now does not use
  rushes cache verify          read every object; exit 1 if one was changed""",
)
@help_option
def command() -> None:
    """Look after the store: status, gc, verify."""


@command.command("status")
@common_options
def status(folder: Path, as_json: bool) -> int:
    """What the store holds."""
    from rushes.store.maintain import measure_store
    from rushes.store.store import Store, find_store

    found = measure_store(Store(find_store(require_folder(folder)), read_only=True))
    if as_json:
        print_json(msgspec.to_builtins(found))
        return 0
    click.echo(f"{found.folder}: {found.objects} objects, {show_bytes(found.nbytes)}, "
               f"{found.results} results")  # fmt: skip
    for stage, (count, nbytes) in found.by_stage.items():
        click.echo(f"  {stage:<16} {count:>6} results {show_bytes(nbytes):>10}")
    return 0


@command.command("gc")
@click.option(
    "--days", type=click.FloatRange(0), default=7.0, show_default=True,
    help="Keep unused results that are younger.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@common_options
def gc(days: float, dry_run: bool, folder: Path, as_json: bool) -> int:
    """Drop results that the project as it is now does not use."""
    from rushes.run.build import BuildOptions
    from rushes.run.inspect import inspect_project
    from rushes.store.maintain import collect_garbage
    from rushes.store.store import Store, find_store

    folder = require_folder(folder)
    keep = inspect_project(folder, BuildOptions()).plan.keys()
    store = Store(find_store(folder), read_only=dry_run)
    results, objects, nbytes = collect_garbage(store, keep, days * 86400, dry_run=dry_run)
    if as_json:
        print_json({"results": results, "objects": objects, "nbytes": nbytes, "dry_run": dry_run})
        return 0
    verb = "would go" if dry_run else "went"
    click.echo(f"{results} results and {objects} objects {verb}, {show_bytes(nbytes)}")
    return 0


@command.command("verify")
@common_options
def verify(folder: Path, as_json: bool) -> int:
    """Read every object and result; exit 1 if something was changed."""
    from rushes.store.maintain import verify_store
    from rushes.store.store import Store, find_store

    faults = verify_store(Store(find_store(require_folder(folder)), read_only=True))
    if as_json:
        print_json({"clean": not faults, "faults": [msgspec.to_builtins(f) for f in faults]})
        return 1 if faults else 0
    for fault in faults:
        click.echo(f"{fault.kind} {fault.name[:16]}: {fault.message}")
    click.echo(
        f"{len(faults)} faults; make throws them away and makes them again"
        if faults
        else "every object and result is sound"
    )
    return 1 if faults else 0
