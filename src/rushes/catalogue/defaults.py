"""The open models that ``auto`` means, by task, and whether one seems to be on this machine."""

from __future__ import annotations

import os
import tomllib
from functools import cache
from importlib import resources
from pathlib import Path

from rushes.catalogue.source import HubSource, Source


@cache
def read_defaults() -> dict[str, list[str]]:
    """Names of the catalogue by task, the first to be tried first."""
    file = resources.files("rushes.catalogue").joinpath("defaults.toml")
    return tomllib.loads(file.read_text("utf-8"))


def seems_here(source: Source) -> bool:
    """Whether weights seem to be on this machine: a look into the hub's cache, no more; whether
    they are whole is found when they are needed."""
    if not isinstance(source, HubSource):
        return True
    home = os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface"
    cache_folder = Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub")
    folder = cache_folder / f"models--{source.repo.replace('/', '--')}" / "snapshots"
    return folder.is_dir() and any(folder.iterdir())
