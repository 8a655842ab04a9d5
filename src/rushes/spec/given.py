"""What a shot may be given besides its prompt, decided: pictures, sound, footage, another shot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rushes.catalogue.model import ControlKind
from rushes.types import Digest

RetakePart = Literal["both", "picture", "sound"]
NO_SOUND = "none"
"""What ``audio`` says for a clip without a sound stream."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that a shot reads; its digest is part of the key, its path is not.

    ``sound``: whether there is sound in it.
    """

    path: Path
    sha256: Digest
    sound: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that frame ``frame`` of the clip (from 0) has to show. ``key`` named it."""

    frame: int
    file: SourceFile
    key: str


@dataclass(frozen=True, slots=True)
class Retake:
    """The frames from ``start`` up to ``end`` of the given video that are made again."""

    start: int
    end: int
    what: RetakePart


@dataclass(frozen=True, slots=True)
class Control:
    """Footage that guides the clip frame by frame.

    ``scale``: how many times smaller than the clip it is read in height and width.
    """

    kind: ControlKind
    file: SourceFile
    scale: int = 1


@dataclass(frozen=True, slots=True)
class Lora:
    """An adapter of the denoiser's weights, and how strongly it acts."""

    file: SourceFile
    scale: float


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is given. ``extend`` and ``video`` are a file, or the name of another shot.

    Args:
        mask: white where ``video`` is made again.
        references: pictures of what the clip shows, none of them a frame of it.
    """

    pictures: tuple[Picture, ...] = ()
    audio: SourceFile | None = None
    extend: SourceFile | str | None = None
    video: SourceFile | str | None = None
    retake: Retake | None = None
    mask: SourceFile | None = None
    references: tuple[SourceFile, ...] = ()
    control: Control | None = None
    loras: tuple[Lora, ...] = ()

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """All footage, pictures and sound that are read from outside."""
        control = None if self.control is None else self.control.file
        given = (
            *(p.file for p in self.pictures), self.audio, self.extend, self.video, self.mask,
            *self.references, control,
        )  # fmt: skip
        return tuple(file for file in given if isinstance(file, SourceFile))

    @property
    def shots(self) -> tuple[str, ...]:
        """Shots that this one is made from."""
        return tuple(name for name in (self.extend, self.video) if isinstance(name, str))


Sound = Literal["model", "none"] | SourceFile
"""Where a clip's sound comes from: the model, nowhere, or a track laid under the picture."""
