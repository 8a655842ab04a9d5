"""rushes lock."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rushes.cli.common import common_options, print_json, require_folder, vram_option

if TYPE_CHECKING:
    from rushes.lock import LockChange

MAX_WIDTH = 100


def shorten(text: str) -> str:
    """A line's worth of a long list."""
    return text if len(text) <= MAX_WIDTH else text[: MAX_WIDTH - 1] + "…"


@click.command(
    "lock",
    epilog="""\b
Examples:
  rushes lock              add what is missing; refuse (exit 3) what differs
  rushes lock --vram 24GB  choose numerics (fp8, int8, nvfp4, tiles) for a card of that memory
  rushes lock --update     accept the weights and versions that are installed
  rushes lock --accept opening    keep this take: make --locked makes it again""",
)
@click.option("--update", is_flag=True, help="Take over what is installed where it differs.")
@click.option("--accept", "shots", multiple=True, metavar="SHOT",
              help="Write the seed and scores of a shot's kept take, which passed.")  # fmt: skip
@vram_option
@click.option("--device", metavar="NAME", help="Propose numerics for this card, such as rtx4090.")
@common_options
def command(
    update: bool,
    shots: tuple[str, ...],
    vram: int | None,
    device: str | None,
    folder: Path,
    as_json: bool,
) -> int:
    """Pin weights and toolchain in rushes.lock."""
    from rushes.lock import (
        Lock,
        check_toolchain,
        check_weights,
        complete_lock,
        read_lock,
        write_lock,
    )
    from rushes.needs import (
        needed_checkpoints,
        needed_toolchains,
    )
    from rushes.run.machine import find_target
    from rushes.run.memory import propose_numerics
    from rushes.spec.resolve import load_project
    from rushes.store.store import Store, find_store

    folder = require_folder(folder)
    project = load_project(folder)
    lock = read_lock(folder)
    store = Store(find_store(folder))
    if not update:
        check_weights(needed_checkpoints(project), lock, store)
        locked = [name for name in needed_toolchains(project) if name in lock.toolchains]
        check_toolchain(locked, lock)
    target = find_target(project, device, vram)
    before_lock = Lock() if update else lock
    numerics = propose_numerics(project, target, before_lock)
    after, changes = complete_lock(project, lock, store, update=update, numerics=numerics)
    if changes:
        write_lock(folder, after)
    if shots:
        changes += _accept(folder, shots)
    if as_json:
        print_json({"path": "rushes.lock", "changes": changes})
        return 0
    for change in changes:
        before = "new" if change.before is None else change.before
        now = "gone" if change.after is None else change.after or "no packages"
        click.echo(f"{change.what}: {before} → {shorten(now)}")
    click.echo("rushes.lock is written" if changes else "rushes.lock is complete; nothing changed")
    return 0


def _accept(folder: Path, shots: tuple[str, ...]) -> list[LockChange]:
    """Accept the kept takes of these shots, as they are stored."""
    from rushes.run.accept import accept_takes
    from rushes.run.build import BuildOptions
    from rushes.run.inspect import inspect_project
    from rushes.store.store import Store, find_store

    view = inspect_project(folder, BuildOptions())
    store = Store(find_store(folder))
    return accept_takes(view.plan.project, view.plan, view.lock, view.results, store, shots)[1]
