"""The catalogue on disk: one TOML file a model."""

from __future__ import annotations

import difflib
import json
import tomllib
from functools import cache
from importlib import resources
from typing import Any

import msgspec

from rushes.catalogue.model import Model
from rushes.catalogue.source import Part
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


def find_named(name: str) -> Model:
    """A model, or one of its variants, as a user names it: ``NAME`` or ``NAME:VARIANT``.

    Raises:
        UsageError: there is none of this name.
    """
    base, _, choice = name.partition(":")
    model = find_model(base)
    if not choice:
        return model
    if choice not in model.variants:
        known = ", ".join(f"{base}:{variant}" for variant in model.variants) or "none"
        raise UsageError(f"{base} has no variant {choice!r}", hint=f"variants: {known}")
    return model.variant_for(model.variants[choice].controls[:1])


def find_config(part: Part) -> dict[str, Any]:
    """A part's configuration as ``config.json`` on the hub has it; empty where none is known."""
    if not part.config:
        return {}
    file = resources.files("rushes.catalogue").joinpath("configs", *part.config.split("/"))
    config: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return config
