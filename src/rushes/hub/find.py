"""Where a model's checkpoint lies, in the hub's layout, and whether it is whole."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TypeVar

import msgspec

from rushes.catalogue.model import Model
from rushes.catalogue.reader import Entry
from rushes.catalogue.source import (
    SINGLE,
    SINGLE_CLASSES,
    SINGLE_SUFFIXES,
    FilesSource,
    FolderSource,
    HubSource,
    PackageSource,
)
from rushes.catalogue.text import TextEntry
from rushes.errors import LockRefused, WeightsMissing
from rushes.hub.cache import find_commit, links_folder, list_snapshot, snapshot_folder
from rushes.hub.choose import (
    INDEX,
    LOADED,
    PICKLES,
    choose_files,
    find_fault,
    find_part_fault,
    revisions_of,
)
from rushes.models.base import find_family
from rushes.store.files import map_os_errors

E = TypeVar("E", bound=Entry)

HEADS = (INDEX, "config.json")
"""A checkpoint's folder holds one: of a pipeline of parts, or of a single model."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One file of a checkpoint: its path in it, and where it comes from and lies.

    Args:
        remote: path in the repository.
    """

    local: str
    repo: str
    commit: str
    remote: str
    path: Path


def find_checkpoint(model: Entry) -> Path:
    """The folder of a model's checkpoint in the hub's layout, or a single file of the project's.

    A model of the hub is looked for in the Hugging Face cache, at its revision; its files are put
    together by links. Nothing is downloaded.

    Raises:
        WeightsMissing: it is not on this machine, or not whole.
        LockRefused: it holds pickles only, or is a file where its family needs a folder.
    """
    source = model.source
    if isinstance(source, HubSource):
        return _link_pieces(model.id, find_pieces(model))
    if isinstance(source, FolderSource):
        assert isinstance(model, Model), "projects bring generators only"
        return _find_own(model, source)
    if isinstance(source, FilesSource):
        assert isinstance(model, Model), "projects bring generators only"
        return _link_pieces(model.id, _find_beside(model, source))
    assert isinstance(source, PackageSource), "what others run has no checkpoint"
    return _find_packaged(model, source)


def find_text(entry: TextEntry) -> Path:
    """The folder of a text model's checkpoint in the Hugging Face cache. Nothing is downloaded.

    Raises:
        WeightsMissing: it is not on this machine, or has no weights in safetensors.
    """
    source = entry.source
    commit = find_commit(source.repo, source.revision)
    folder = None if commit is None else snapshot_folder(source.repo, commit)
    if folder is None or not any(folder.glob("*.safetensors")):
        raise WeightsMissing(
            f"the weights of {entry.name} are not in the Hugging Face cache",
            hint=f"hf download {source.repo}; or [texts.NAME] with path or server",
        )
    return folder


def _find_packaged(model: Entry, source: PackageSource) -> Path:
    folder = Path(str(resources.files(source.package).joinpath(source.path)))
    if not any((folder / name).is_file() for name in HEADS):
        raise WeightsMissing(
            f"the weights of {model.id} are not in {folder}",
            hint=f"install the package {source.package!r} again; in a checkout: "
            f"make train-{model.name}",
        )
    return folder


def pin_model(model: E, commits: Mapping[str, str] | None = None) -> E:
    """The same with commits in the place of branches and tags.

    Args:
        commits: by repository; for those that are not among them, what the cache holds.
    """
    if isinstance(model.source, FilesSource):
        base = pin_model(msgspec.structs.replace(model, source=model.source.base), commits)
        source = msgspec.structs.replace(model.source, base=base.source)
        return msgspec.structs.replace(base, source=source)
    known = commits or {}

    def pin(source: HubSource) -> HubSource:
        commit = known.get(source.repo) or find_commit(source.repo, source.revision)
        return msgspec.structs.replace(source, revision=commit or source.revision)

    if not isinstance(model.source, HubSource):
        return model
    parts = [
        part if part.source is None else msgspec.structs.replace(part, source=pin(part.source))
        for part in model.parts
    ]
    return msgspec.structs.replace(model, source=pin(model.source), parts=parts)


def is_here(model: Entry) -> bool:
    """Whether the whole checkpoint is on this machine."""
    try:
        if isinstance(model.source, HubSource):
            find_pieces(model)
        else:
            find_checkpoint(model)
    except LockRefused:
        return False
    return True


def find_pieces(model: Entry) -> list[Piece]:
    """The files of a model of the hub, in the Hugging Face cache.

    Raises:
        WeightsMissing: it is not there, or not whole.
    """
    pieces = []
    for repo, revision in revisions_of(model).items():
        commit = find_commit(repo, revision)
        if commit is None or not snapshot_folder(repo, commit).is_dir():
            at = f" at commit {commit[:12]}" if commit else ""
            raise _missing(model, f"the weights of {model.id}{at} are not on this machine")
        names = list_snapshot(repo, commit)
        chosen = choose_files(model, repo, names)
        if fault := find_fault(model, repo, names, chosen):
            text = f"the weights of {model.id} are not whole on this machine: {fault}"
            raise _missing(model, text)
        folder = snapshot_folder(repo, commit)
        pieces += [
            Piece(local, repo, commit, remote, folder / remote) for local, remote in chosen.items()
        ]
    return sorted(pieces, key=lambda piece: piece.local)


def list_files(checkpoint: Path) -> list[str]:
    """Files of a checkpoint that may be loaded, as paths relative to it with ``/``.

    Folders may be links; files lie one folder deep. A single file is listed by its name.
    """
    if checkpoint.is_file():
        return [checkpoint.name]
    found = (p for glob in ("*", "*/*") for p in checkpoint.glob(glob) if p.is_file())
    return sorted(p.relative_to(checkpoint).as_posix() for p in found if p.suffix in LOADED)


def locate_file(checkpoint: Path, name: str) -> Path:
    """The path of a file that :func:`list_files` names."""
    return checkpoint if checkpoint.is_file() else checkpoint / name


def _find_beside(model: Model, source: FilesSource) -> list[Piece]:
    """The project's files with the catalogue's configurations, and the rest of the checkpoint."""
    rest = [part for part in model.parts if part.folder not in source.paths]
    base = msgspec.structs.replace(model, name=model.like, source=source.base, parts=rest)
    if isinstance(source.base, HubSource):
        try:
            pieces = find_pieces(base)
        except WeightsMissing as exc:
            less = "".join(f" --without {part}" for part in source.paths)
            raise WeightsMissing(exc.message, hint=f"{exc.hint}{less}") from exc
    else:
        folder = _find_packaged(base, source.base)
        names = [n for n in list_files(folder) if n.partition("/")[0] not in source.paths]
        pieces = [Piece(n, source.base.package, "", n, folder / n) for n in names]
    for part, path in source.paths.items():
        if not Path(path).is_file():
            text = f"the weights of {model.id} are gone: {path}"
            raise WeightsMissing(text, hint="look at [models] in the project file")
        single = f"{part}/{SINGLE}{Path(path).suffix}"
        pieces.append(Piece(single, "", "", path, Path(path)))
        config = _find_config_file(model, part, source.base)
        pieces.append(Piece(f"{part}/config.json", "", "", "config.json", config))
    return sorted(pieces, key=lambda piece: piece.local)


def _find_config_file(model: Model, folder: str, base: PackageSource | HubSource) -> Path:
    """A part's ``config.json``: the catalogue's, or the package's that holds the weights."""
    part = next(part for part in model.parts if part.folder == folder)
    if part.config:
        return Path(str(resources.files("rushes.catalogue").joinpath("configs", part.config)))
    assert isinstance(base, PackageSource), (
        "an entry of the hub has the configurations of its parts"
    )
    return Path(str(resources.files(base.package).joinpath(base.path, folder, "config.json")))


def _find_own(model: Model, source: FolderSource) -> Path:
    path, hint = Path(source.path), "look at [models] in the project file"
    if path.is_file():
        _check_single(model, path, source.said)
        return path
    if not (path / INDEX).is_file():
        text = f"the weights of {model.id} are not in {source.said!r}: there is no {INDEX}"
        raise WeightsMissing(text, hint=hint)
    names = [p.relative_to(path).as_posix() for glob in ("*", "*/*") for p in path.glob(glob)]
    safe = [name for name in names if name.endswith(LOADED)]
    for part in model.parts:
        if part.source is None and (fault := find_part_fault(part, safe, names)):
            if "pickled" in fault:
                hint = "pickles can run code: convert them to safetensors first"
            raise LockRefused(f"the weights of {model.id} in {source.said!r}: {fault}", hint=hint)
    return path


def _check_single(model: Model, path: Path, said: str) -> None:
    if path.suffix not in SINGLE_SUFFIXES:
        what = "a pickle, which can run code" if path.suffix in PICKLES else "not safetensors"
        raise LockRefused(
            f"{said!r} of {model.id} is {what}", hint="only safetensors files are loaded"
        )
    reads = getattr(find_family(model.family), "reads_single_file", False)
    if path.suffix == ".gguf" or not reads:
        raise LockRefused(
            f"{model.id} cannot be read from a single file: {said!r}",
            hint="give the folder of a checkpoint in the hub's layout, with model_index.json; "
            f"diffusers reads single files of {', '.join(sorted(SINGLE_CLASSES))}",
        )


def _missing(model: Entry, text: str) -> WeightsMissing:
    return WeightsMissing(text, hint=f"fetch them with: rushes models pull {model.id}")


def _link_pieces(model_id: str, pieces: list[Piece]) -> Path:
    """A folder of links to the files; named by what they are, so it is never wrong or half made."""
    listing = "".join(f"{piece.local}\0{piece.path}\n" for piece in pieces)
    digest = hashlib.sha256(listing.encode()).hexdigest()[:16]
    target = links_folder() / f"{model_id.replace(':', '--')}-{digest}"
    if target.is_dir():
        return target
    with map_os_errors("putting a checkpoint together", target):
        temp = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
        try:
            for piece in pieces:
                link = temp / piece.local
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(piece.path.absolute())
            os.rename(temp, target)
        except OSError:
            if not target.is_dir():  # another process was faster
                raise
        finally:
            shutil.rmtree(temp, ignore_errors=True)
    return target
