"""Where a model's checkpoint lies. The one module that may ever download.

The embedded models travel in the package; nothing is fetched for them.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from rushes.catalogue.model import Model
from rushes.catalogue.source import FolderSource, PackageSource
from rushes.errors import LockRefused

WEIGHT_SUFFIXES = (".safetensors", ".json", ".txt", ".model", ".jinja")
"""Files of a checkpoint that are loaded; pickles never are."""


def find_checkpoint(model: Model) -> Path:
    """The folder of a model's checkpoint, in the hub's layout.

    Raises:
        LockRefused: it is not there.
    """
    source = model.source
    if isinstance(source, FolderSource):
        folder, hint = Path(source.path), "look at [models] in the project file"
    elif isinstance(source, PackageSource):
        folder = Path(str(resources.files(source.package).joinpath(source.path)))
        hint = f"install the package {source.package!r} again"
    else:
        raise LockRefused(
            f"the weights of {model.id} are not on this machine",
            hint=f"fetch them with: rushes models pull {model.name}",
        )
    if not (folder / "model_index.json").is_file():
        raise LockRefused(f"the weights of {model.id} are not in {folder}", hint=hint)
    return folder


def list_files(folder: Path) -> list[str]:
    """Files of a checkpoint that may be loaded, as paths relative to it with ``/``."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(
        path.relative_to(folder).as_posix() for path in found if path.suffix in WEIGHT_SUFFIXES
    )
