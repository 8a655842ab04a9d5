"""The catalogue on disk: one TOML file a model."""

from __future__ import annotations

import difflib
import tomllib
from functools import cache
from importlib import resources

import msgspec

from rushes.catalogue.model import Model
from rushes.errors import UsageError


def model_names() -> list[str]:
    """Names of all models, sorted."""
    folder = resources.files("rushes.catalogue").joinpath("models")
    files = (entry.name for entry in folder.iterdir())
    return sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml"))


@cache
def find_model(name: str) -> Model:
    """The entry of a model.

    Raises:
        UsageError: there is none of this name; suggests the nearest.
    """
    names = model_names()
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known models: {', '.join(names)}"
        raise UsageError(f"there is no model {name!r} in the catalogue", hint=hint)
    file = resources.files("rushes.catalogue").joinpath("models", f"{name}.toml")
    return msgspec.convert(tomllib.loads(file.read_text("utf-8")), Model)
