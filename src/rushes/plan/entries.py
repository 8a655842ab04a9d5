"""What a stage reads of a checkpoint: folders of a generator's, the whole of a reader's."""

from __future__ import annotations

from collections.abc import Iterable

from rushes.catalogue.reader import Entry, ReaderEntry
from rushes.models.base import find_family


def list_parts(entry: Entry, stage: str) -> tuple[str, ...]:
    """What the stage loads, as plans name it: folders of a generator, a reader by its name."""
    if isinstance(entry, ReaderEntry):
        return (entry.name,)
    return find_family(entry.family).folders[stage]


def pick_files(entry: Entry, stage: str, paths: Iterable[str]) -> list[str]:
    """Those of a checkpoint's files that the stage depends on."""
    if isinstance(entry, ReaderEntry):
        return list(paths)
    folders = list_parts(entry, stage)
    return [path for path in paths if path.split("/", 1)[0] in folders]
