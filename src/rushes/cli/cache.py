"""rushes cache."""

from __future__ import annotations

from dataclasses import asdict, astuple
from pathlib import Path

import click
import msgspec

from rushes.cli.common import common_options, help_option, print_json, require_folder, show_bytes
from rushes.errors import UsageError


@click.group(
    "cache",
    epilog="""\b
Examples:
  rushes cache status          what the store holds, by stage
  rushes cache gc --days 0     drop all but what the project and its accepted takes use
  rushes cache verify          read every object; exit 1 if one was changed
  rushes cache purge --source interview.mp4    erase all that was made from a file""",
)
@help_option
def command() -> None:
    """Look after the store: status, gc, verify, purge."""


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
    """Drop results that the project and its accepted takes do not use now.

    What was read of files (ask, find, describe) is in no project, and goes by its age alone.
    """
    from rushes.run.inspect import list_kept
    from rushes.run.reader import find_policy
    from rushes.run.retention import expire_kept
    from rushes.spec.read import PROJECT_FILE
    from rushes.store.maintain import collect_garbage
    from rushes.store.store import Store, find_store

    folder = require_folder(folder)
    project = find_policy(folder)
    has_shots = project is not None and bool(project.shots)
    if project is None and not find_store(folder).is_dir():
        raise UsageError(f"there is no {PROJECT_FILE} and no store in {folder}")
    keep = list_kept(folder) if has_shots else set()
    store = Store(find_store(folder), read_only=dry_run)
    if not dry_run:
        expire_kept(store, project)
    results, objects, nbytes = collect_garbage(store, keep, days * 86400, dry_run=dry_run)
    if as_json:
        print_json({"results": results, "objects": objects, "nbytes": nbytes, "dry_run": dry_run})
        return 0
    verb = "would go" if dry_run else "went"
    click.echo(f"{results} results and {objects} objects {verb}, {show_bytes(nbytes)}")
    return 0


@command.command("purge")
@click.option(
    "--source", "sources", required=True, multiple=True, type=click.Path(path_type=Path),
    metavar="FILE", help="Whose traces are erased; it need not be there any more.",
)  # fmt: skip
@common_options
def purge(sources: tuple[Path, ...], folder: Path, as_json: bool) -> int:
    """Erase all that was made from a file: frames, answers, shots, and the ledger's rows of it.

    The file itself stays, and so do clips in out/. What was also read from a copy of the file that
    lies elsewhere is kept for that copy.
    """
    from rushes.run.retention import Erased, purge_source
    from rushes.store.store import Store, find_store

    folder = require_folder(folder)
    if not find_store(folder).is_dir():
        raise UsageError(f"there is no store in {folder}", hint="-C takes the folder that has one")
    store = Store(find_store(folder))
    done = [purge_source(store, folder / source) for source in sources]
    whole = Erased(*map(sum, zip(*(astuple(one) for one in done), strict=True)))
    if as_json:
        print_json(asdict(whole))
        return 0
    click.echo(
        f"{whole.results} results, {whole.objects} objects ({show_bytes(whole.nbytes)}) and "
        f"{whole.rows} rows of the ledger are erased"
    )
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
