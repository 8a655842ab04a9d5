"""Shapes with arithmetic, and names for quantities whose unit matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

Digest = NewType("Digest", str)
"""SHA-256 of some bytes, 64 lowercase hexadecimal characters."""

Key = NewType("Key", str)
"""Digest of everything that decides a node's output, 64 lowercase hexadecimal characters."""

Seconds = NewType("Seconds", float)
Usd = NewType("Usd", float)


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


@dataclass(frozen=True, slots=True)
class LatentShape:
    """Video latents ``(channels, frames, height, width)`` of one clip."""

    channels: int
    frames: int
    height: int
    width: int

    @property
    def tokens(self) -> int:
        """Positions a transformer with patch size 1 attends over."""
        return self.frames * self.height * self.width


@dataclass(frozen=True, slots=True)
class Compression:
    """How many pixels (or frames) one latent stands for."""

    frames: int
    height: int
    width: int
    channels: int

    def latents_of(self, video: VideoShape) -> LatentShape:
        """The latent shape of a clip whose first frame has a latent of its own (causal VAE)."""
        return LatentShape(
            channels=self.channels,
            frames=(video.frames - 1) // self.frames + 1,
            height=video.height // self.height,
            width=video.width // self.width,
        )
