"""Which clips a model can make, and into what they are compressed."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

ENDLESS = 3600 * 120
"""Frames: the longest clip that a project may ask for."""


class Grid(Struct, frozen=True, forbid_unknown_fields=True):
    """Which shapes the model can make: frames ``multiple * k + offset``, sizes in steps.

    Args:
        sizes: WIDTHxHEIGHT: the only ones, or where ``pixels_max`` is given those that the model
            was made for.
        pixels_max: the most pixels a frame may have, on sides that are multiples of
            ``size_multiple`` and at least ``side_min``; None where ``sizes`` are the only ones.
        fps: the only rates, or where ``fps_max`` is given those that the model was made for.
        fps_max: the model is told the rate, and takes any up to this one.
    """

    frames_multiple: int
    frames_offset: int
    frames_min: int
    frames_max: int
    size_multiple: int
    sizes: list[str]
    fps: list[float]
    pixels_max: int | None = None
    side_min: int = 0
    fps_max: float | None = None

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

    def is_legal_size(self, width: int, height: int) -> bool:
        """Whether the model can make frames of this size, in pixels."""
        if self.pixels_max is None:
            return f"{width}x{height}" in self.sizes
        stepped = width % self.size_multiple == 0 and height % self.size_multiple == 0
        inside = min(width, height) >= self.side_min and width * height <= self.pixels_max
        return stepped and inside

    def nearest_sizes(self, width: int, height: int) -> tuple[str, ...]:
        """The two legal sizes nearest to one that is not; one where there is only one.

        Those below and above in both sides, or of the listed ones the two nearest in pixels.
        """
        step = self.size_multiple
        if self.pixels_max is not None:
            least = -(-self.side_min // step) * step
            low = [max(n // step * step, least, step) for n in (width, height)]
            high = [max(-(-n // step) * step, least) for n in (width, height)]
            pairs = dict.fromkeys((tuple(low), tuple(high)))
            found = [f"{w}x{h}" for w, h in pairs if self.is_legal_size(w, h)]
            if found:
                return tuple(found)

        def distance(size: str) -> int:
            w, h = map(int, size.split("x"))
            return abs(w - width) + abs(h - height)

        return tuple(sorted(self.sizes, key=distance)[:2])

    def is_legal_fps(self, fps: float) -> bool:
        """Whether the model makes clips of this rate."""
        return fps in self.fps or (self.fps_max is not None and 1 <= fps <= self.fps_max)

    def without_end(self) -> Grid:
        """The same for a clip that is made in a chain of denoises."""
        return msgspec.structs.replace(self, frames_max=ENDLESS)

    def larger(self, factor: int) -> Grid:
        """The same with every side ``factor`` times as long."""
        sizes = [tuple(map(int, size.split("x"))) for size in self.sizes]
        pixels = None if self.pixels_max is None else self.pixels_max * factor**2
        return msgspec.structs.replace(
            self,
            size_multiple=self.size_multiple * factor,
            sizes=[f"{width * factor}x{height * factor}" for width, height in sizes],
            pixels_max=pixels,
            side_min=self.side_min * factor,
        )

    def going_on(self, longest: int = ENDLESS) -> Grid:
        """The same for what follows another clip: no frame of it stands alone."""
        step = self.frames_multiple
        return msgspec.structs.replace(self, frames_offset=0, frames_min=step, frames_max=longest)


class AudioGrid(Struct, frozen=True, forbid_unknown_fields=True):
    """Compression of the audio path; ``rate`` is the finished sound's, in samples a second."""

    channels: int
    mel_bins: int
    per_second: float
    rate: int


class LatentGrid(Struct, frozen=True, forbid_unknown_fields=True):
    """Compression of the video VAE: channels, and how many frames and pixels a side a latent has.

    ``audio`` is None for models that make no sound.
    """

    video_channels: int
    video_frames: int
    video_size: int
    audio: AudioGrid | None = None


class Reach(Struct, frozen=True, forbid_unknown_fields=True):
    """How a clip goes on: each further denoise sees ``window`` latent frames, of which at least
    the first ``overlap`` are the end of what there is."""

    window: int
    overlap: int


class Mel(Struct, frozen=True, forbid_unknown_fields=True):
    """The log-mel that the audio VAE encodes: ``(ln(max(band, floor)) + offset) / divisor``.

    ``window`` and ``hop`` are in samples at ``rate``; triangular bands from 0 to half of it.

    Args:
        scale: "htk": bands of height 1 on the HTK scale; "slaney": of equal area on Slaney's.
        pad: what stands before and after the sound, for windows that reach over its ends.
    """

    rate: int
    window: int
    hop: int
    bins: int
    floor: float
    offset: float
    divisor: float
    scale: Literal["htk", "slaney"] = "htk"
    pad: Literal["constant", "reflect"] = "constant"
