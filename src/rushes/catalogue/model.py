"""Models as data: what a catalogue entry says.

One TOML file a model; no code. Sizes, grid and licence are what planning needs, and they are known
without a single weight on disk.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from rushes.types import Compression, VideoShape


class Licence(Struct, frozen=True, forbid_unknown_fields=True):
    """The licence of the weights, and where that was read."""

    id: str
    name: str
    url: str
    checked: str


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """One component of a checkpoint: its folder, class and size."""

    folder: str
    class_name: str
    parameters: int
    dtype: Literal["float32", "bfloat16", "float16"]


class Grid(Struct, frozen=True, forbid_unknown_fields=True):
    """Which shapes the model can make: frames ``multiple * k + offset``, sizes in steps."""

    frames_multiple: int
    frames_offset: int
    frames_min: int
    frames_max: int
    size_multiple: int
    sizes: list[str]
    fps: list[float]

    def is_legal_frames(self, frames: int) -> bool:
        """Whether the model can make exactly this many frames."""
        inside = self.frames_min <= frames <= self.frames_max
        return inside and (frames - self.frames_offset) % self.frames_multiple == 0

    def nearest_frames(self, frames: int) -> tuple[int, ...]:
        """The legal counts just below and just above, ascending; one where there is only one."""
        step, offset = self.frames_multiple, self.frames_offset
        lower = (frames - offset) // step * step + offset
        options = {min(max(n, self.frames_min), self.frames_max) for n in (lower, lower + step)}
        return tuple(sorted(options))

    def fewest_frames(self, frames: float) -> int:
        """The fewest legal frames that are at least ``frames``; may exceed ``frames_max``."""
        step, offset = self.frames_multiple, self.frames_offset
        count = -(-(frames - offset) // step)
        return max(int(count) * step + offset, self.frames_min)


class Defaults(Struct, frozen=True, forbid_unknown_fields=True):
    """What a shot gets where the project says nothing."""

    size: str
    frames: int
    fps: float
    steps: int
    guidance: float
    audio_guidance: float


class LatentGrid(Struct, frozen=True, forbid_unknown_fields=True):
    """Compression of the video VAE, and of the audio path."""

    video_channels: int
    video_frames: int
    video_size: int
    audio_channels: int
    audio_mel_bins: int
    audio_per_second: float
    audio_rate: int

    @property
    def compression(self) -> Compression:
        return Compression(self.video_frames, self.video_size, self.video_size, self.video_channels)


class Source(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the weights are: in an installed package."""

    kind: Literal["package"]
    package: str
    path: str
    revision: str


class Model(Struct, frozen=True, forbid_unknown_fields=True):
    """A catalogue entry."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    title: str
    about: str
    family: str
    source: Source
    licence: Licence
    dtype: Literal["float32", "bfloat16", "float16"]
    grid: Grid
    latents: LatentGrid
    defaults: Defaults
    parts: list[Part]
    limits: list[str]
    verified: str

    def check_shape(self, shape: VideoShape) -> str | None:
        """Why the model cannot make this shape, or None."""
        if shape.size not in self.grid.sizes:
            return f"{self.name} makes {', '.join(self.grid.sizes)}, not {shape.size}"
        if shape.fps not in self.grid.fps:
            known = ", ".join(f"{rate:g}" for rate in self.grid.fps)
            return f"{self.name} makes {known} frames a second, not {shape.fps:g}"
        if not self.grid.is_legal_frames(shape.frames):
            near = " or ".join(str(n) for n in self.grid.nearest_frames(shape.frames))
            return f"{self.name} cannot make {shape.frames} frames; the nearest it can are {near}"
        return None
