"""Readers as data: what a catalogue entry says of a model that answers about video."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct

from rushes.catalogue.model import Model
from rushes.catalogue.source import Licence, Part, Source

DEFAULT_READER = "spotter"
"""The reader of ``rushes ask`` and of checks that ask: the embedded one."""


class SamplingSummary(Struct, frozen=True, forbid_unknown_fields=True):
    """How densely a reader looks, for people and for forecasts; its files decide.

    ``window_seconds``: how long the parts are in which a long file is searched;
    ``chapter_seconds``: those in which it is described, at most.
    """

    fps: float
    min_frames: int
    max_frames: int
    pixels_per_frame: int
    window_seconds: float = 8.0
    chapter_seconds: float = 30.0


class ReaderEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """A catalogue entry.

    Args:
        dtype: what it computes in, on every device.
        context: tokens of prompt, frames and answer together, at most.
        cache_bytes_per_token: what a token of context keeps in memory while a clip is asked about:
            keys and values of all layers that have them, in ``dtype``.
        says_absent: whether it says by itself that what is asked about is not there; others are
            told that they may.
        processor: what the checkpoint's processor file says, so that frames and tokens can be
            counted without the checkpoint; where that is here, its own file decides.
    """

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
    context: int
    cache_bytes_per_token: int
    processor: dict[str, Any]
    says_absent: bool = False

    @property
    def id(self) -> str:
        """What rushes.lock and keys go by."""
        return self.name

    @property
    def instance(self) -> str:
        """By which nodes go: a reader has no numerics of a project's."""
        return self.name

    @property
    def parameters(self) -> int:
        """Of all its parts."""
        return sum(part.parameters for part in self.parts)

    @property
    def nbytes(self) -> int:
        """Of all its parts on the disk."""
        return sum(part.nbytes for part in self.parts)


Entry: TypeAlias = Model | ReaderEntry
"""What has a checkpoint: generators and readers share one namespace."""
