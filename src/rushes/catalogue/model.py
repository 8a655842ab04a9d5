"""Models as data: what a catalogue entry says.

One TOML file a model; no code. Sizes, grid and licence are what planning needs, and they are known
without a single weight on disk.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from rushes.types import VideoShape

ENDLESS = 3600 * 120
"""Frames: the longest clip that a project may ask for."""


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
        """Whether the model can make exactly this many frames at once."""
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

    def without_end(self) -> Grid:
        """The same for a clip that is made in a chain of denoises."""
        return msgspec.structs.replace(self, frames_max=ENDLESS)

    def going_on(self) -> Grid:
        """The same for what follows another clip: no frame of it stands alone."""
        step = self.frames_multiple
        return msgspec.structs.replace(self, frames_offset=0, frames_min=step, frames_max=ENDLESS)


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


class Reach(Struct, frozen=True, forbid_unknown_fields=True):
    """How a clip goes on: each further denoise sees ``window`` latent frames, of which at least
    the first ``overlap`` are the end of what there is."""

    window: int
    overlap: int


class Mel(Struct, frozen=True, forbid_unknown_fields=True):
    """The log-mel that the audio VAE encodes: ``(ln(max(band, floor)) + offset) / divisor``.

    ``window`` and ``hop`` are in samples at ``rate``; triangular HTK bands from 0 to half of it.
    """

    rate: int
    window: int
    hop: int
    bins: int
    floor: float
    offset: float
    divisor: float


class Source(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the weights are: in an installed package."""

    kind: Literal["package"]
    package: str
    path: str
    revision: str


Control = Literal["image", "last_image", "keyframes", "extend", "audio", "video", "retake"]
"""Keys of ``[shots.NAME]`` by which a clip is conditioned on more than its prompt."""


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
    controls: list[Control] = []
    reach: Reach | None = None
    mel: Mel | None = None

    def grid_of(self, *, extends: bool) -> Grid:
        """The shapes of a clip that stands alone, or of one that goes on from another."""
        if self.reach is None:
            return self.grid
        return self.grid.going_on() if extends else self.grid.without_end()

    def check_shape(self, shape: VideoShape, *, extends: bool = False) -> str | None:
        """Why the model cannot make this shape, or None."""
        grid = self.grid_of(extends=extends)
        if shape.size not in grid.sizes:
            return f"{self.name} makes {', '.join(grid.sizes)}, not {shape.size}"
        if shape.fps not in grid.fps:
            known = ", ".join(f"{rate:g}" for rate in grid.fps)
            return f"{self.name} makes {known} frames a second, not {shape.fps:g}"
        if not grid.is_legal_frames(shape.frames):
            near = " or ".join(str(n) for n in grid.nearest_frames(shape.frames))
            return f"{self.name} cannot make {shape.frames} frames; the nearest it can are {near}"
        return None
