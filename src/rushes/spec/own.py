"""Models of the project's own: ``[models.NAME]``, a folder or single files of its denoisers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import UNSET

from rushes.catalogue.load import find_model
from rushes.catalogue.model import Model
from rushes.catalogue.packed import TYPES, can_read_packed, read_packed
from rushes.catalogue.source import (
    SINGLE_CLASSES,
    SINGLE_SUFFIXES,
    FilesSource,
    FolderSource,
    HubSource,
    PackageSource,
)
from rushes.catalogue.source import Source as Weights
from rushes.errors import UsageError
from rushes.spec import tables
from rushes.spec.read import Source


def make_own_model(name: str, table: tables.ModelTable, folder: Path, source: Source) -> Model:
    """Weights of the project's own, in the shape of a catalogue entry.

    Raises:
        ProjectError: there is no such entry or file, or the file cannot be used.
    """
    try:
        entry = find_model(table.like)
    except UsageError as exc:
        raise source.error(exc.message, ("models", name, "like"), exc.hint) from exc
    path = _find_path(name, "path", table.path, folder, source)
    denoisers = [part for part in entry.parts if part.folder.startswith("transformer")]
    single = path.is_file() and path.suffix in SINGLE_SUFFIXES
    if single and all(part.class_name in SINGLE_CLASSES for part in denoisers):
        parts = [part.folder for part in denoisers]
        paths = _find_singles(name, table, parts, folder, source)
        return _put_sources(name, entry, lambda base: _beside(base, paths, table))
    if table.path_2 is not UNSET:
        message = f"{table.path!r} of {name!r} is no single file that stands for one part"
        raise source.error(message, ("models", name, "path_2"), "leave path_2 out")
    own = FolderSource(str(path.absolute()), table.path)
    return _put_sources(name, entry, lambda base: own)


def _beside(base: Weights, paths: dict[str, Path], table: tables.ModelTable) -> FilesSource:
    assert isinstance(base, HubSource | PackageSource), "an entry of the catalogue"
    said = [table.path] if table.path_2 is UNSET else [table.path, table.path_2]
    return FilesSource(base, {part: str(path.absolute()) for part, path in paths.items()}, said)


def _put_sources(name: str, entry: Model, make: Callable[[Weights], Weights]) -> Model:
    """The entry and its variants with other weights.

    Which of the entry's checkpoints a file is shows when it is opened: parts are checked then.
    """
    variants = {
        key: msgspec.structs.replace(variant, source=make(variant.source))
        for key, variant in entry.variants.items()
    }
    return msgspec.structs.replace(
        entry, name=name, source=make(entry.source), variants=variants, like=entry.id
    )


def _find_path(name: str, key: str, said: str, folder: Path, source: Source) -> Path:
    path = folder / Path(said).expanduser()
    if not path.exists():
        raise source.error(f"there is no {said!r}", ("models", name, key))
    return path


def _find_singles(
    name: str, table: tables.ModelTable, parts: list[str], folder: Path, source: Source
) -> dict[str, Path]:
    """A file for each denoiser: ``path``, and ``path_2`` for a second expert."""
    said = {"path": table.path}
    if table.path_2 is not UNSET:
        said["path_2"] = table.path_2
    if len(said) < len(parts):
        raise source.error(
            f"{table.like} denoises with {len(parts)} experts, and {name!r} has one file",
            ("models", name, "path"),
            "path = the high-noise expert's, path_2 = the low-noise expert's",
        )
    if len(said) > len(parts):
        message = f"{table.like} has no second expert for path_2"
        raise source.error(message, ("models", name, "path_2"), "leave path_2 out")
    found = {}
    for part, (key, text) in zip(parts, said.items(), strict=True):
        path = found[part] = _find_path(name, key, text, folder, source)
        if not path.is_file() or path.suffix not in SINGLE_SUFFIXES:
            message = f"{text!r} is no .safetensors or .gguf file"
            raise source.error(message, ("models", name, key))
        if path.suffix == ".gguf":
            _check_packed(path, text, ("models", name, key), source)
    return found


def _check_packed(path: Path, said: str, where: tuple[str, ...], source: Source) -> None:
    """Refuse a GGUF file that could not be opened later."""
    if not can_read_packed():
        hint = "pip install 'rushes[gguf]'"
        raise source.error(f"{said!r}: reading GGUF files needs the package gguf", where, hint)
    try:
        packed = read_packed(path)
    except (ValueError, OSError) as exc:
        raise source.error(f"{said!r} cannot be read: {exc}", where) from exc
    if packed.strange:
        raise source.error(
            f"{said!r} holds tensors in {', '.join(packed.strange)}, which cannot be unpacked here",
            where,
            f"what can: {', '.join(sorted(TYPES))}",
        )
