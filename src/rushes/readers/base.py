"""The door by which readers of video enter: ``spotter`` and every other one alike.

A reader opens a checkpoint in the hub's layout; opened, it says how it wants a clip sampled and
answers questions about what was sampled. Plug-ins register under the group ``rushes.readers``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from rushes.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_TOKENS = 256
"""Tokens of an answer, where the caller names no other limit."""


Words = Callable[[str], None]
"""Is given the next words of an answer."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How densely a reader looks: ``fps`` frames a second, evenly, between two counts."""

    fps: float
    min_frames: int
    max_frames: int


@dataclass(frozen=True, slots=True)
class Frames:
    """What was sampled of a clip, in order.

    Args:
        pixels: (H, W, 3) uint8 RGB each, all of one size.
        seconds: when each is shown, from the file's start.
        source: the file, for messages.
        lost: what could not be read, a phrase each; empty for a whole file.
    """

    pixels: tuple[NDArray[np.uint8], ...]
    seconds: tuple[float, ...]
    source: str
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """What frames become: the pixels of each as the model sees it, and the tokens of all of them
    with what stands around them, at most."""

    height: int
    width: int
    tokens: int


class ReaderSettings(Protocol):
    """What a checkpoint's processor files say of how it looks."""

    @property
    def sampling(self) -> Sampling:
        """How clips are to be sampled."""

    def measure(self, frames: int, height: int, width: int) -> Measured:
        """What so many frames of a clip of this size become."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the clip that an answer names; a moment starts and ends at once."""

    start_seconds: float
    end_seconds: float
    text: str


@dataclass(frozen=True, slots=True)
class ServedBy:
    """Which server answered, and what it calls its model: what its weights are, only it knows.

    ``asked_at``: when it was asked, in ISO 8601, UTC; "" where that was not kept.
    """

    url: str
    model: str
    asked_at: str = ""

    def to_dict(self) -> dict[str, str]:
        """The ``server`` object of an answer."""
        when = {"asked_at": self.asked_at} if self.asked_at else {}
        return {"url": self.url, "model": self.model, **when}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reader says.

    Args:
        answer: its words.
        spans: the times that they name, within the clip, in order of the words.
        frames: seconds of the frames that it looked at.
        model: which reader answered.
        tokens: of the prompt with its frames, and of the answer, together; 0 where a server does
            not say.
        lost: what could not be read of the file, a phrase each.
        server: where the answer comes from; None for a reader on this machine.
        value: what it is, where it was asked to follow a schema; it may be None.
        formed: whether it was.
    """

    answer: str
    spans: tuple[Span, ...]
    frames: tuple[float, ...]
    model: str
    tokens: int
    lost: tuple[str, ...] = ()
    server: ServedBy | None = None
    value: Any = None
    formed: bool = False

    def to_dict(self) -> dict[str, object]:
        """The document that ``ask --json`` prints; ``value``, ``lost`` and ``server`` are in it
        where there is something to say."""
        more: dict[str, object] = {"lost": list(self.lost)} if self.lost else {}
        if self.server is not None:
            more["server"] = self.server.to_dict()
        if self.formed:
            more["value"] = self.value
        return {
            "answer": self.answer,
            "spans": [
                {"start_seconds": s.start_seconds, "end_seconds": s.end_seconds, "text": s.text}
                for s in self.spans
            ],
            "frames": list(self.frames),
            "model": self.model,
            "tokens": self.tokens,
            **more,
        }


class LoadedReader(Protocol):
    """A checkpoint opened on one device; its weights are loaded at the first question and stay."""

    @property
    def loads(self) -> Mapping[str, float]:
        """Seconds that loading each part took, for those loaded so far."""

    @property
    def settings(self) -> ReaderSettings:
        """How clips are to be sampled for this checkpoint, and what frames become."""

    def ask(
        self,
        frames: Frames,
        question: str,
        *,
        max_tokens: int = MAX_TOKENS,
        on_words: Words | None = None,
    ) -> Answer:
        """Answer a question about a clip; the same frames asked again are not read again.

        Args:
            on_words: is given the words of the answer as they come.

        Raises:
            UsageError: there is no question, or it holds a control token of the model.
        """


class Reader(Protocol):
    """One family of readers."""

    @property
    def version(self) -> int:
        """Raised by hand when the same clip and question get another answer; part of keys."""

    def make_settings(self, document: dict[str, Any], where: str) -> ReaderSettings:
        """Settings out of a processor's file, as a checkpoint or a catalogue entry has it.

        Raises:
            UsageError: it asks for what is not done here.
        """

    def open(self, folder: Path, device: str, dtype: str | None = None) -> LoadedReader:
        """A checkpoint in the hub's layout; loads no weights yet.

        Args:
            dtype: what it computes in, as ``float32``; None leaves it to the family.

        Raises:
            UsageError: the folder is not a checkpoint of this family.
        """


BUILT_IN = {
    "qwen3vl": ("qwen3vl", "Qwen3VL"),
    "qwen3_5": ("qwen3_5", "Qwen35"),
    "qwen2_5vl": ("qwen2_5vl", "Qwen25VL"),
    "internvl": ("internvl", "InternVL"),
    "llava_onevision": ("llava_onevision", "LlavaOnevision"),
    "pixtral": ("pixtral", "Pixtral"),
}
"""Families by their names in the catalogue: module and class, imported when first asked for."""


def find_reader(family: str) -> Reader:
    """A built-in family, or one of an installed package.

    Raises:
        UsageError: there is none of this name.
    """
    if family in BUILT_IN:
        module, name = BUILT_IN[family]
        kind: type[Reader] = getattr(import_module(f"rushes.readers.{module}"), name)
        return kind()
    from importlib import metadata

    for entry in metadata.entry_points(group="rushes.readers", name=family):
        reader: Reader = entry.load()()
        return reader
    raise UsageError(f"no installed package knows the reader family {family!r}")
