"""How a clip that is longer than one denoise is cut into windows that overlap.

Everything is counted on one timeline that begins with the first shot of a chain: video latents
(the first stands for one frame, each further one for ``LatentGrid.video_frames``), audio latents,
and frames. A window sees the end of what there is and makes what follows; what it was given it
gives back unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass

from rushes.catalogue.model import Model


@dataclass(frozen=True, slots=True)
class Window:
    """One denoise: its latents on the timeline, and how many of the first are given."""

    first: int
    latents: int
    given: int
    audio_first: int
    audio_latents: int
    audio_given: int

    @property
    def end(self) -> int:
        """Latents on the timeline once this window is made."""
        return self.first + self.latents

    @property
    def audio_new(self) -> int:
        """The first audio latent on the timeline that this window makes."""
        return self.audio_first + self.audio_given

    @property
    def audio_end(self) -> int:
        """Audio latents on the timeline once this window is made."""
        return self.audio_first + self.audio_latents


class Timeline:
    """Arithmetic between frames, video latents and audio latents of one model at one rate.

    ``audio_rate``: audio latents a second, 0 for a model without sound.
    """

    def __init__(self, model: Model, fps: float) -> None:
        self.model, self.fps = model, fps
        self.step = model.latents.video_frames
        audio = model.latents.audio
        self.audio_rate = audio.per_second if audio is not None else 0.0

    def latents_of(self, frames: int) -> int:
        """Video latents that ``frames`` need from the start of the timeline."""
        return (frames - 1) // self.step + 1

    def latent_at(self, frame: int) -> int:
        """The video latent that holds a frame, both counted from 0."""
        return -(-frame // self.step)

    def frames_of(self, latents: int) -> int:
        """Frames that so many video latents stand for."""
        return (latents - 1) * self.step + 1 if latents else 0

    def audio_at(self, frames: int) -> int:
        """Audio latents up to the end of frame ``frames - 1``."""
        return round(frames / self.fps * self.audio_rate)

    def first_window(self, frames: int) -> Window:
        """A clip from its beginning, as far as one denoise reaches."""
        frames = min(frames, self.model.grid.frames_max)
        return Window(0, self.latents_of(frames), 0, 0, self.audio_at(frames), 0)

    def next_window(self, before: Window, frames: int) -> Window:
        """The window after ``before`` on the way to ``frames`` on the timeline."""
        reach = self.model.reach
        assert reach is not None
        new = min(self.latents_of(frames) - before.end, reach.window - reach.overlap)
        given = min(reach.window - new, before.latents)
        first = before.end - given
        audio_first = self.audio_at(max(first - 1, 0) * self.step)
        audio_end = self.audio_at(self.frames_of(before.end + new))
        return Window(
            first, given + new, given,
            audio_first, audio_end - audio_first, before.audio_end - audio_first,
        )  # fmt: skip

    def shift_of(self, window: Window) -> int:
        """Frames by which a window is moved to where the model knows windows: those that do not
        begin a clip begin one latent into it."""
        return max(window.first - 1, 0) * self.step

    def audio_offset(self, window: Window) -> float:
        """Audio latents from the moved window's start to its first; a fraction, or 0."""
        shift = self.shift_of(window) / self.fps * self.audio_rate
        return round(window.audio_first - shift, 6)

    def windows(self, frames: int, before: Window | None = None) -> list[Window]:
        """Windows until ``frames`` on the timeline, after ``before`` or from its beginning."""
        found = [] if before is not None else [self.first_window(frames)]
        last = before if before is not None else found[0]
        while last.end < self.latents_of(frames):
            last = self.next_window(last, frames)
            found.append(last)
        return found
