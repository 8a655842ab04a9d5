"""Text models as data: for reasoning and code. Rushes does not run them; a server of yours does."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from rushes.catalogue.source import HubSource, Licence

TextTask = Literal["reason", "code"]


class TextEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """A catalogue entry.

    Args:
        active_parameters: that work on one token, of a mixture of experts; 0 for all.
        layers: with ``kv_heads`` of ``head_size`` each: what a token costs in the cache.
        context: tokens that it was made for, without stretching.
    """

    name: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    title: str
    about: str
    tasks: list[TextTask]
    source: HubSource
    licence: Licence
    parameters: int
    layers: int
    kv_heads: int
    head_size: int
    context: int
    verified: str
    active_parameters: int = 0
    limits: list[str] = []

    @property
    def cache_bytes_per_token(self) -> int:
        """Keys and values of every layer, in 16 bits."""
        return 2 * 2 * self.layers * self.kv_heads * self.head_size


def text_names() -> list[str]:
    """Names of all text models, sorted."""
    entries = resources.files("rushes.catalogue").joinpath("texts").iterdir()
    return sorted(e.name.removesuffix(".toml") for e in entries if e.name.endswith(".toml"))


@cache
def read_text_entry(name: str) -> TextEntry:
    """The entry of a text model that there is."""
    file = resources.files("rushes.catalogue").joinpath("texts", f"{name}.toml")
    return msgspec.convert(tomllib.loads(file.read_text("utf-8")), TextEntry)
