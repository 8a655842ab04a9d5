"""Where a model's checkpoint lies. The one module that may ever download.

The embedded models travel in the package; nothing is fetched for them.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from rushes.catalogue.model import Model
from rushes.errors import LockRefused

WEIGHT_SUFFIXES = (".safetensors", ".json", ".txt", ".model", ".jinja")
"""Files of a checkpoint that are loaded; pickles never are."""


def find_checkpoint(model: Model) -> Path:
    """The folder of a model's checkpoint, in the hub's layout.

    Raises:
        LockRefused: it is not there.
    """
    folder = Path(str(resources.files(model.source.package).joinpath(model.source.path)))
    if not (folder / "model_index.json").is_file():
        raise LockRefused(
            f"the weights of {model.name} are not in {folder}",
            hint=f"install the package {model.source.package!r} again",
        )
    return folder


def list_files(folder: Path) -> list[str]:
    """Files of a checkpoint that may be loaded, as paths relative to it with ``/``."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(
        path.relative_to(folder).as_posix() for path in found if path.suffix in WEIGHT_SUFFIXES
    )
