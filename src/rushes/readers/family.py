"""What all families over transformers' classes are: they open folders of their kind."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from rushes.errors import UsageError
from rushes.readers.base import ReaderSettings
from rushes.readers.loaded import LoadedTransformer


class TransformerFamily(ABC):
    """One family: opens folders of its kind, and nothing else."""

    version = 1
    title = ""
    loaded: type[LoadedTransformer]

    @abstractmethod
    def make_settings(self, document: dict[str, Any], where: str) -> ReaderSettings:
        """Settings out of a processor's file."""

    @abstractmethod
    def read_settings(self, folder: Path) -> ReaderSettings:
        """Settings out of a checkpoint's own files."""

    def is_mine(self, config: dict[str, Any]) -> bool:
        """Whether a configuration is one of the family's."""
        return config.get("model_type") in self.loaded.MODELS

    def open(self, folder: Path, device: str, dtype: str | None = None) -> LoadedTransformer:
        """A checkpoint folder in the hub's layout.

        Raises:
            UsageError: it is none of this family, or a file of it is missing.
        """
        path = folder / "config.json"
        try:
            config = json.loads(path.read_text("utf-8"))
            kind, mine = config.get("model_type"), self.is_mine(config)
        except (OSError, ValueError, AttributeError) as exc:
            raise UsageError(
                f"{folder} is not a checkpoint: its config.json cannot be read",
                where=str(path),
                hint="name a folder in the hub's layout",
            ) from exc
        if not mine:
            raise UsageError(
                f"{folder} holds a {kind!r}, not a {self.title}",
                where=f"{path}:model_type",
                hint=f"this family reads {' and '.join(self.loaded.MODELS)}",
            )
        return self.loaded(folder, device, self.read_settings(folder), dtype)
