"""Where a checkpoint lies. The one module that may ever download.

The embedded models travel in the package; nothing is fetched for them.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from rushes.catalogue.reader import Entry
from rushes.errors import LockRefused

WEIGHT_SUFFIXES = (".safetensors", ".json", ".txt", ".model", ".jinja")
"""Files of a checkpoint that are loaded; pickles never are."""

HEADS = ("model_index.json", "config.json")
"""A checkpoint's folder holds one: of a pipeline of parts, or of a single model."""


def find_checkpoint(entry: Entry) -> Path:
    """The folder of a generator's or reader's checkpoint, in the hub's layout.

    Raises:
        LockRefused: it is not there.
    """
    source = entry.source
    folder = Path(str(resources.files(source.package).joinpath(source.path)))
    if not any((folder / name).is_file() for name in HEADS):
        raise LockRefused(
            f"the weights of {entry.name} are not in {folder}",
            hint=f"install the package {source.package!r} again",
        )
    return folder


def list_files(folder: Path) -> list[str]:
    """Files of a checkpoint that may be loaded, as paths relative to it with ``/``."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(
        path.relative_to(folder).as_posix() for path in found if path.suffix in WEIGHT_SUFFIXES
    )
