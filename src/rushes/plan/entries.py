"""What a stage reads of a checkpoint: folders of a generator's, the whole of a reader's."""

from __future__ import annotations

from collections.abc import Iterable

from rushes.catalogue.reader import Entry, ReaderEntry
from rushes.models.base import INDEX, find_family, folders_of


def list_parts(entry: Entry, stage: str, paths: Iterable[str] | None) -> list[str]:
    """What the stage loads, as plans name it: folders of a generator, a reader by its name.

    Args:
        paths: the checkpoint's files that the stage depends on; None while they are not locked,
            when every folder counts that the stage may read.
    """
    if isinstance(entry, ReaderEntry):
        return [entry.name]
    if paths is None:
        return [name for name in folders_of(entry, stage) if name != INDEX]
    there = {path.partition("/")[0] for path in paths if "/" in path}
    return [name for name in find_family(entry.family).folders[stage] if name in there]


def pick_files(entry: Entry, stage: str, paths: Iterable[str]) -> list[str]:
    """Those of a checkpoint's files that the stage depends on.

    A file in no folder may hold several parts: every stage depends on it.
    """
    if isinstance(entry, ReaderEntry):
        return list(paths)
    folders = find_family(entry.family).folders[stage]
    whole = {path for path in paths if "/" not in path and path.endswith(".safetensors")}
    return [path for path in paths if path.split("/", 1)[0] in folders or path in whole]
