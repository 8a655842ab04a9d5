"""The catalogue on disk: one TOML file an entry, generators in ``models``, readers beside them."""

from __future__ import annotations

import difflib
import json
import tomllib
from functools import cache
from importlib import resources
from typing import Any, TypeVar

import msgspec

from rushes.catalogue.model import Model
from rushes.catalogue.reader import Entry, ReaderEntry
from rushes.catalogue.source import Part
from rushes.errors import UsageError

E = TypeVar("E", bound=Entry)


def model_names() -> list[str]:
    """Names of all models, sorted."""
    return _list_names("models")


def reader_names() -> list[str]:
    """Names of all readers, sorted."""
    return _list_names("readers")


@cache
def find_model(name: str) -> Model:
    """The entry of a model.

    Raises:
        UsageError: there is none of this name; suggests the nearest.
    """
    return _find_entry("model", Model, name)


@cache
def find_reader_entry(name: str) -> ReaderEntry:
    """The entry of a reader.

    Raises:
        UsageError: there is none of this name; suggests the nearest.
    """
    return _find_entry("reader", ReaderEntry, name)


def _list_names(folder: str) -> list[str]:
    entries = resources.files("rushes.catalogue").joinpath(folder).iterdir()
    return sorted(e.name.removesuffix(".toml") for e in entries if e.name.endswith(".toml"))


def _find_entry(what: str, kind: type[E], name: str) -> E:
    names = _list_names(f"{what}s")
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known {what}s: {', '.join(names)}"
        raise UsageError(f"there is no {what} {name!r} in the catalogue", hint=hint)
    file = resources.files("rushes.catalogue").joinpath(f"{what}s", f"{name}.toml")
    return msgspec.convert(tomllib.loads(file.read_text("utf-8")), kind)


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


def find_entry(name: str) -> Entry:
    """A model, a variant of one, or a reader, as a user names it.

    Raises:
        UsageError: there is none of this name.
    """
    if name in reader_names():
        return find_reader_entry(name)
    near = difflib.get_close_matches(name, reader_names(), n=1)
    try:
        return find_named(name)
    except UsageError as exc:
        if near and not (exc.hint or "").startswith("did you mean"):
            raise UsageError(exc.message, hint=f"did you mean {near[0]}?") from exc
        raise


def find_config(part: Part) -> dict[str, Any]:
    """A part's configuration as ``config.json`` on the hub has it; empty where none is known."""
    if not part.config:
        return {}
    file = resources.files("rushes.catalogue").joinpath("configs", *part.config.split("/"))
    config: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return config
