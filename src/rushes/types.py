"""Shapes with arithmetic, and names for quantities whose unit matters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NewType

Digest = NewType("Digest", str)
"""SHA-256 of some bytes, 64 lowercase hexadecimal characters."""

Key = NewType("Key", str)
"""Digest of everything that decides a node's output, 64 lowercase hexadecimal characters."""

Seconds = NewType("Seconds", float)
Usd = NewType("Usd", float)

SIZE_OF_MEMORY = r"^[0-9]{1,6}(\.[0-9]{1,3})? ?(MB|GB)$(?!\n)"


def parse_bytes(text: str) -> int | None:
    """Bytes of ``10GB`` or ``800 MB`` (10^9 and 10^6); None where it says something else."""
    if re.fullmatch(SIZE_OF_MEMORY, text) is None:
        return None
    scale = 10**9 if text.endswith("GB") else 10**6
    nbytes = round(float(text[:-2]) * scale)
    return nbytes or None


@dataclass(frozen=True, slots=True)
class VideoShape:
    """Pixels of a clip: ``frames`` pictures of ``height`` × ``width``, shown at ``fps``."""

    frames: int
    height: int
    width: int
    fps: float

    @property
    def seconds(self) -> Seconds:
        """How long the clip lasts: each frame is shown for 1/fps."""
        return Seconds(self.frames / self.fps)

    @property
    def size(self) -> str:
        """WIDTHxHEIGHT, as the project file writes it."""
        return f"{self.width}x{self.height}"
