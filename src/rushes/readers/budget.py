"""How many frames of a clip a reader looks at, and whether its context has room for them.

Nothing of a checkpoint's weights is needed: the processor's settings say what a frame becomes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rushes.catalogue.reader import ReaderEntry
from rushes.errors import UsageError
from rushes.readers.base import MAX_TOKENS, Measured, ReaderSettings, Sampling, find_reader
from rushes.readers.sampling import choose_step, limit_frames
from rushes.readers.selection import Selection, show_time

PROMPT_TOKENS = 64
"""Room for the chat template around frames and question: those of the known families take less
than half of it."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a reader will look at.

    Args:
        sampling: how densely, after everything that was asked for and what there is room for.
        step_seconds: between frames; None by scenes.
        seconds: of the clip that are looked at; None where the file does not say.
        wanted: frames that were asked for, before the context was looked at.
        frames: the most that it can be.
        shape: (height, width) of the clip.
        size: what one becomes, and the tokens of all of them.
        asked: tokens of the longest question, at most: a token is never less than a byte.
        answer: tokens of the answer, at most.
        context: tokens of everything together, at most.
    """

    sampling: Sampling
    step_seconds: float | None
    seconds: float | None
    wanted: int
    frames: int
    shape: tuple[int, int]
    size: Measured
    asked: int
    answer: int
    context: int

    @property
    def left(self) -> int:
        """Tokens of context that stay free, at least."""
        return self.context - self.size.tokens - self.asked - self.answer

    def to_dict(self) -> dict[str, object]:
        """The ``explain`` object of ``ask --explain --json``."""
        return {
            "frames": self.frames,
            "frames_wanted": self.wanted,
            "step_seconds": self.step_seconds,
            "seconds": self.seconds,
            "clip": {"width": self.shape[1], "height": self.shape[0]},
            "frame": {"width": self.size.width, "height": self.size.height},
            "tokens": {
                "frames": self.size.tokens,
                "question": self.asked,
                "answer": self.answer,
                "context": self.context,
                "left": self.left,
            },
        }


def read_entry(entry: ReaderEntry) -> ReaderSettings:
    """How a reader looks, as its catalogue entry has it; its weights need not be here."""
    said = entry.sampling
    looks = {"fps": said.fps, "min_frames": said.min_frames, "max_frames": said.max_frames}
    return find_reader(entry.family).make_settings({**looks, **entry.processor}, entry.name)


def plan_look(
    path: Path,
    settings: ReaderSettings,
    context: int,
    selection: Selection,
    questions: Sequence[str],
    answer: int = MAX_TOKENS,
) -> Look:
    """Fit a clip to a reader's context: fewer frames where there is no room for all.

    Args:
        answer: tokens of an answer, at most.

    Raises:
        MediaError: not a media file.
        UsageError: there is no picture in it, or no room for a single frame.
    """
    (height, width), counted, seconds = _measure_clip(path, selection)
    sampling = selection.apply(settings.sampling)
    wanted = count_frames(sampling, seconds, counted)
    asked = PROMPT_TOKENS + max((len(q.encode()) for q in questions), default=0)
    room = context - asked - answer
    frames, size = fit_frames(settings, wanted, height, width, room)
    if not frames:
        raise UsageError(
            f"a frame of {width}x{height} is {size.tokens} tokens, and there is room "
            f"for {max(room, 0)} of {context}",
            where=str(path),
            hint="ask a shorter question, or a reader with more context",
        )
    fitted = limit_frames(sampling, frames) if frames < wanted else sampling
    step = None if selection.by == "scenes" else choose_step(fitted, seconds)
    return Look(
        fitted, step, seconds, wanted, frames, (height, width), size,
        asked, answer, context,
    )  # fmt: skip


def _measure_clip(
    path: Path, selection: Selection
) -> tuple[tuple[int, int], int | None, float | None]:
    """(height, width), the frames that the file declares, and the seconds that are looked at."""
    from rushes.media import probe

    info = probe(path)
    video = info.video
    if video is None:
        raise UsageError(f"there is no picture in {path.name}", where=str(path))
    duration = video.duration_seconds or info.duration_seconds
    if duration is not None and selection.start_seconds >= duration:
        ends, asked_for = show_time(duration), show_time(selection.start_seconds)
        raise UsageError(f"{path.name} ends at {ends}, before {asked_for}", where=str(path))
    return (video.height, video.width), video.frames, selection.clip(duration)


def count_frames(sampling: Sampling, seconds: float | None, frames: int | None) -> int:
    """Frames that even sampling gives, at most.

    Args:
        seconds: that are looked at; None where that is not known.
        frames: that the file declares.
    """
    if not seconds:
        return sampling.max_frames
    targets = math.ceil(seconds / choose_step(sampling, seconds) - 1e-6)
    return max(1, min(targets, sampling.max_frames, frames or targets))


def fit_frames(
    settings: ReaderSettings, wanted: int, height: int, width: int, room: int
) -> tuple[int, Measured]:
    """The most frames, up to ``wanted``, that are ``room`` tokens at most; 0 where one is more."""
    for frames in range(wanted, 0, -1):
        size = settings.measure(frames, height, width)
        if size.tokens <= room:
            return frames, size
    return 0, settings.measure(1, height, width)
