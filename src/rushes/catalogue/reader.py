"""Readers as data: what a catalogue entry says of a model that answers about video."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from rushes.catalogue.model import Model
from rushes.catalogue.source import Licence, Part, Source

DEFAULT_READER = "spotter"
"""The reader of ``rushes ask`` and of checks that ask: the embedded one."""


class SamplingSummary(Struct, frozen=True, forbid_unknown_fields=True):
    """How densely a reader looks, for people and for forecasts; its files decide."""

    fps: float
    min_frames: int
    max_frames: int
    pixels_per_frame: int


class ReaderEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """A catalogue entry. ``dtype`` is what it computes in, on every device."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    title: str
    about: str
    family: str
    source: Source
    licence: Licence
    dtype: Literal["float32", "bfloat16", "float16"]
    sampling: SamplingSummary
    parts: list[Part]
    limits: list[str]
    verified: str

    @property
    def id(self) -> str:
        """What rushes.lock and keys go by."""
        return self.name

    @property
    def instance(self) -> str:
        """By which nodes go: a reader has no numerics of a project's."""
        return self.name


Entry: TypeAlias = Model | ReaderEntry
"""What has a checkpoint: generators and readers share one namespace."""
