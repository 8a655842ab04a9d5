"""Films: lossless parts one after the other, cut or cross-faded."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rushes.errors import MediaError
from rushes.media.exporting import SampleQueue, encode_clip
from rushes.media.formats import ExportFormat
from rushes.media.probing import AudioInfo, VideoInfo, count_frames, probe
from rushes.media.reading import read_audio, read_frames

Part = tuple[Path, Path | None]


def join_clips(
    parts: Sequence[Part], to: Path, fmt: ExportFormat, crossfade_seconds: float = 0.0
) -> None:
    """Encode a film from its parts: ``(frames, sound or None)``, all of one size and rate.

    The cross-fade is linear in the picture's stored values and of equal power in the sound, and
    takes its length from both neighbours: the film is shorter by it at every join. Only its frames
    are held. A part without sound is silent where others have some.

    Raises:
        MediaError: no parts, parts that differ, or one too short for the cross-fade.
        StoreFull: no space is left.
    """
    film = _lay_out(parts, to, crossfade_seconds)
    sound = _join_sound(film) if film.rate else None
    encode_clip(_join_frames(film), film.fps, sound, film.rate, to, fmt)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A part on the film's timeline; its frames are ``start`` to ``end``, in film frames."""

    video: Path
    audio: Path | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Film:
    parts: tuple[_Placed, ...]
    fps: Fraction
    fade: int
    rate: int
    channels: int


def _lay_out(parts: Sequence[Part], to: Path, crossfade_seconds: float) -> _Film:
    if not parts:
        raise MediaError(f"cannot write {to}: a film needs at least one part", where=str(to))
    pictures = [_probe_video(video) for video, _ in parts]
    for (video, _), info in zip(parts[1:], pictures[1:], strict=True):
        _require_same_picture(video, info, pictures[0])
    sounds = [(audio, _probe_audio(audio)) for _, audio in parts if audio is not None]
    for path, sound in sounds[1:]:
        _require_same_sound(path, sound, sounds[0][1])
    fps = pictures[0].rate
    fade = round(crossfade_seconds * fps)
    placed: list[_Placed] = []
    start = 0
    for index, (video, audio) in enumerate(parts):
        frames = count_frames(video)
        fades = (index > 0) + (index < len(parts) - 1)
        _require_long_enough(video, frames, fade * fades, fps)
        placed.append(_Placed(video, audio, start, start + frames))
        start += frames - fade
    rate, channels = (sounds[0][1].rate, sounds[0][1].channels) if sounds else (0, 0)
    return _Film(tuple(placed), fps, fade, rate, channels)


def _join_frames(film: _Film) -> Iterator[NDArray[np.uint8]]:
    tail: deque[NDArray[np.uint8]] = deque()
    for index, part in enumerate(film.parts):
        held = 0 if index == len(film.parts) - 1 else film.fade
        faded = len(tail)
        fresh: deque[NDArray[np.uint8]] = deque()
        for position, (_, frame) in enumerate(read_frames(part.video)):
            if tail:
                frame = _blend(tail.popleft(), frame, (position + 1) / (faded + 1))
            fresh.append(frame)
            if len(fresh) > held:
                yield fresh.popleft()
        tail = fresh


def _join_sound(film: _Film) -> Iterator[NDArray[np.float32]]:
    """Blocks of about a frame each; a part's sound begins and ends with its picture."""
    tail = np.zeros((0, film.channels), np.float32)
    bounds = [(_sample(film, part.start), _sample(film, part.end)) for part in film.parts]
    overlaps = [end - start for (_, end), (start, _) in pairwise(bounds)] + [0]
    for part, (start, end), overlap in zip(film.parts, bounds, overlaps, strict=True):
        queue = SampleQueue(_read_sound(part, film))
        if len(tail):
            yield _cross_fade(tail, queue.take(len(tail)))
        position, stop = start + len(tail), end - overlap
        step = max(1, round(film.rate / film.fps))
        while position < stop:
            count = min(step, stop - position)
            yield queue.take(count)
            position += count
        tail = queue.take(overlap)


def _read_sound(part: _Placed, film: _Film) -> Iterator[NDArray[np.float32]]:
    yield np.zeros((0, film.channels), np.float32)
    if part.audio is not None:
        for _, samples, _ in read_audio(part.audio):
            yield samples


def _sample(film: _Film, frame: int) -> int:
    return round(frame * film.rate / film.fps)


def _blend(old: NDArray[np.uint8], new: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    """``share`` of ``new`` over ``old``, rounded."""
    mixed = old.astype(np.float32) * (1 - share) + new.astype(np.float32) * share
    return np.rint(mixed).astype(np.uint8)


def _cross_fade(old: NDArray[np.float32], new: NDArray[np.float32]) -> NDArray[np.float32]:
    """Equal power: the squares of both gains sum to one."""
    angle = (np.arange(len(old), dtype=np.float32)[:, None] + 0.5) / len(old) * (np.pi / 2)
    return np.asarray(old * np.cos(angle) + new * np.sin(angle), dtype=np.float32)


def _probe_video(path: Path) -> VideoInfo:
    info = probe(path).video
    if info is None:
        raise MediaError(f"cannot join {path}: there is no picture in it", where=str(path))
    if not info.rate:
        raise MediaError(f"cannot join {path}: its frame rate is unknown", where=str(path))
    return info


def _probe_audio(path: Path) -> AudioInfo:
    info = probe(path).audio
    if info is None:
        raise MediaError(f"cannot join {path}: there is no sound in it", where=str(path))
    return info


def _require_same_picture(path: Path, info: VideoInfo, first: VideoInfo) -> None:
    if (info.width, info.height) != (first.width, first.height):
        _refuse(path, f"{info.width}x{info.height}", f"{first.width}x{first.height}", "size")
    if info.rate != first.rate:
        _refuse(path, f"{info.rate} fps", f"{first.rate} fps", "fps")


def _require_same_sound(path: Path, info: AudioInfo, first: AudioInfo) -> None:
    if info.rate != first.rate:
        _refuse(path, f"{info.rate} Hz", f"{first.rate} Hz", "sample rate")
    if info.channels != first.channels:
        _refuse(path, f"{info.channels} channels", f"{first.channels}", "number of channels")


def _refuse(path: Path, found: str, wanted: str, what: str) -> None:
    raise MediaError(
        f"cannot join {path}: it has {found}, the first part {wanted}",
        where=str(path),
        hint=f"make all parts with the same {what}",
    )


def _require_long_enough(path: Path, frames: int, needed: int, fps: Fraction) -> None:
    if frames < max(1, needed):
        seconds = float(needed / fps)
        raise MediaError(
            f"cannot join {path}: its {frames} frames are fewer than the {needed} that its"
            " cross-fades take",
            where=str(path),
            hint=f"make crossfade_seconds shorter, or the part at least {seconds:.2f} s long",
        )
