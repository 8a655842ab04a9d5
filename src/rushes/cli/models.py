"""rushes models."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rushes.cli.choosing import choose
from rushes.cli.common import (
    common_options,
    help_option,
    print_json,
    require_folder,
    show_bytes,
)

if TYPE_CHECKING:
    from rushes.catalogue.model import Model
    from rushes.catalogue.reader import Entry, ReaderEntry
    from rushes.plan.memory.standard import SmallestCard


@click.group(
    "models",
    epilog="""\b
Examples:
  rushes models list                   every model, its licence, size and what it can be given
  rushes models choose --task generate --vram 24GB    a shortlist: licence, cards, benchmarks
  rushes models show wan-2.2-ti2v-5b   all that is known of one, with what was not verified
  rushes models pull wan-2.2-ti2v-5b   fetch it from the hub; again goes on where it stopped
  rushes models bundle wan-2.2-ti2v-5b --to models.tar    for a machine without a network""",
)
@help_option
def command() -> None:
    """Look at the catalogue; choose, fetch and carry models."""


command.add_command(choose)


@command.command("list")
@common_options
def list_(folder: Path, as_json: bool) -> int:
    """Every model and reader: licence, size, and what it can be given or read."""
    from rushes.catalogue.load import find_model, find_reader_entry, model_names, reader_names
    from rushes.hub.find import is_here

    models = [find_model(name) for name in model_names()]
    readers = [find_reader_entry(name) for name in reader_names()]
    if as_json:
        found = [_summarise_reader(reader) for reader in readers]
        print_json({"models": [_summary(model) for model in models], "readers": found})
        return 0
    from rushes.cli.catalogue_tables import print_models
    from rushes.cli.reader_tables import print_readers

    print_models([(model, _here(model), _card(model)) for model in models])
    print_readers([(reader, is_here(reader)) for reader in readers])
    return 0


@command.command("show")
@click.argument("name")
@common_options
def show(name: str, folder: Path, as_json: bool) -> int:
    """All that the catalogue says of one model or reader."""
    import msgspec

    from rushes.catalogue.load import find_entry
    from rushes.catalogue.reader import ReaderEntry

    model = find_entry(name)
    if isinstance(model, ReaderEntry):
        return _show_reader(model, as_json)
    if as_json:
        print_json({"model": msgspec.to_builtins(model), **_summary(model)})
        return 0
    from rushes.cli.catalogue_tables import print_model

    print_model(model, _here(model), _card(model))
    return 0


@command.command(
    "pull",
    epilog="""\b
Examples:
  rushes models pull wan-2.2-ti2v-5b     from the hub, checked; at rushes.lock's commit
  rushes models pull wan-2.1-14b:i2v     the checkpoint for shots that are given an image
  rushes models pull wan-2.1-14b --without transformer   for a transformer file of your own
  rushes models pull --from models.tar   from a bundle, without a network""",
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--from", "bundle", type=click.Path(path_type=Path), metavar="FILE", help="A bundle to read."
)
@click.option("--without", multiple=True, metavar="PART", help="A part not to fetch; repeatable.")
@common_options
def pull(
    names: tuple[str, ...],
    bundle: Path | None,
    without: tuple[str, ...],
    folder: Path,
    as_json: bool,
) -> int:
    """Fetch models from the hub, or from a bundle."""
    from rushes.catalogue.load import find_entry
    from rushes.errors import UsageError

    if bool(names) == (bundle is not None):
        hint = "rushes models pull NAME, or rushes models pull --from FILE.tar"
        raise UsageError("name models, or a bundle with --from", hint=hint)
    folder = require_folder(folder)
    if bundle is not None:
        from rushes.hub.unbundle import read_bundle

        manifest = read_bundle(folder / bundle, _say)
        models = [find_entry(name) for name in manifest.models]
    else:
        from rushes.spec.servers import forbid_network

        forbid_network(folder, f"fetching {', '.join(names)}")
        models = [_leave_out(find_entry(name), without) for name in names]
    pulled = [_pull_one(model, folder, fetch=bundle is None) for model in models]
    if as_json:
        print_json({"models": pulled})
        return 0
    for one in pulled:
        at = str(one["revision"])[:12]
        size = show_bytes(one["nbytes"])
        click.echo(f"{one['name']} is here: commit {at}, {one['files']} files, {size}")
    return 0


@command.command(
    "bundle",
    epilog="""\b
Example:
  rushes models bundle wan-2.2-ti2v-5b --to models.tar""",
)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The tar to write.",
)
@common_options
def bundle(names: tuple[str, ...], target: Path, folder: Path, as_json: bool) -> int:
    """Put models that are here into one file, for machines without a network."""
    from rushes.catalogue.load import find_entry
    from rushes.hub.bundle import write_bundle

    folder = require_folder(folder)
    models = [_pin(find_entry(name), folder) for name in names]
    manifest = write_bundle(models, folder / target, _say)
    nbytes = (folder / target).stat().st_size
    if as_json:
        print_json({"file": str(target), "models": manifest.models, "nbytes": nbytes})
        return 0
    click.echo(f"{target} holds {', '.join(manifest.models)}: {show_bytes(nbytes)}")
    return 0


def _say(text: str) -> None:
    click.echo(text, err=True)


def _pin(model: Entry, folder: Path) -> Entry:
    """At the commit that the project's lock says, if there is one."""
    from rushes.lock import pin_locked, read_lock

    return pin_locked(model, read_lock(folder).models.get(model.id))


def _leave_out(model: Entry, parts: tuple[str, ...]) -> Entry:
    """The model without parts that the project has files of its own for."""
    import msgspec

    from rushes.errors import UsageError

    known = [part.folder for part in model.parts]
    for part in parts:
        if part not in known:
            hint = f"its parts: {', '.join(known)}"
            raise UsageError(f"{model.id} has no part {part!r}", hint=hint)
    kept = [part for part in model.parts if part.folder not in parts]
    return msgspec.structs.replace(model, parts=kept)


def _pull_one(model: Entry, folder: Path, *, fetch: bool) -> dict[str, Any]:
    from rushes.hub.pull import describe_pulled, pull_model

    pulled = pull_model(_pin(model, folder), _say) if fetch else describe_pulled(model)
    return {
        "name": model.id,
        "revision": pulled.model.source.revision,
        "folder": str(pulled.folder),
        "files": pulled.files,
        "nbytes": pulled.nbytes,
        "fetched": pulled.fetched,
    }


def _here(model: Model) -> list[str]:
    """Which of its checkpoints are on this machine: "" for the model's own, or variants."""
    from rushes.catalogue.load import find_named
    from rushes.hub.find import is_here

    choices = {"": model, **{v: find_named(f"{model.name}:{v}") for v in model.variants}}
    return [choice for choice, one in choices.items() if is_here(one)]


def _card(model: Model) -> SmallestCard | None:
    from rushes.plan.memory.standard import describe_smallest_card

    return describe_smallest_card(model)


def _show_reader(reader: ReaderEntry, as_json: bool) -> int:
    import msgspec

    from rushes.hub.find import is_here

    if as_json:
        print_json({"reader": msgspec.to_builtins(reader), **_summarise_reader(reader)})
        return 0
    from rushes.cli.reader_tables import print_reader

    print_reader(reader, is_here(reader))
    return 0


def _summarise_reader(reader: ReaderEntry) -> dict[str, Any]:
    from rushes.hub.find import is_here

    return {
        "name": reader.name,
        "title": reader.title,
        "about": reader.about,
        "licence": reader.licence.id,
        "licences": reader.licence.ids,
        "family": reader.family,
        "parameters": reader.parameters,
        "nbytes": reader.nbytes,
        "context": reader.context,
        "cache_bytes_per_token": reader.cache_bytes_per_token,
        "here": is_here(reader),
    }


def _summary(model: Model) -> dict[str, Any]:
    here, card = _here(model), _card(model)
    return {
        "name": model.id,
        "title": model.title,
        "about": model.about,
        "licence": model.licence.id,
        "parameters": model.parameters,
        "nbytes": model.nbytes,
        "sound": model.latents.audio is not None,
        "controls": model.controls,
        "variants": list(model.variants),
        "here": "" in here,
        "variants_here": [choice for choice in here if choice],
        "smallest_card": None if card is None else asdict(card),
    }
