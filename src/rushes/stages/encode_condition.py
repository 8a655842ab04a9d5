"""encode_condition: a picture, footage or sound to latents, as denoise is given them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rushes.errors import MediaError
from rushes.stages.base import Job, Made, Params, Stage

if TYPE_CHECKING:
    from rushes.models.base import Frame, Samples, Tensors


ROUNDING = 1e-3
"""Seconds by which a file's time stamps may be off."""
ConditionKind = Literal["picture", "clip", "sound"]


class EncodeConditionParams(Params, frozen=True):
    """What is read of the file, and the shape it is read for.

    Args:
        kind: ``picture``, ``clip`` or ``sound``.
        frames: pictures that are read, at ``fps``.
        tail: the last frames of the file instead of its first.
        audio_latents: how many are made of the sound; 0 leaves it out.
    """

    kind: ConditionKind
    frames: int
    height: int
    width: int
    fps: float
    tail: bool = False
    audio_latents: int = 0


def run(job: Job) -> Made:
    """Read, fit to the size, encode."""
    from safetensors.torch import save_file

    params: EncodeConditionParams = job.params
    path = job.inputs["file"]["file"]
    latents: Tensors = {}
    assert job.model is not None
    start = 0.0
    if params.kind != "sound":
        start, frames = _read_frames(path, params)
        latents["video"] = job.model.encode_video(frames, params.height, params.width)
        job.report(1, 2)
    if params.audio_latents:
        seconds = params.frames / params.fps
        samples = _read_sound(path, start, seconds, job.model.audio_input_rate)
        latents["audio"] = job.model.encode_audio(samples, params.audio_latents)
    target = job.folder / "latents.safetensors"
    save_file({name: value.contiguous() for name, value in latents.items()}, target)
    return Made({"latents": target})


def _read_frames(path: Path, params: EncodeConditionParams) -> tuple[float, list[Frame]]:
    """The second at which they begin in the file, and the frames (H, W, 3)."""
    from rushes.media import read_frames

    if params.kind == "picture":
        return 0.0, [next(read_frames(path))[1]]
    shown = at_rate(read_frames(path), params.fps)
    if not params.tail:
        frames = list(islice(shown, params.frames))
        start = 0
    else:
        kept: deque[Frame] = deque(maxlen=params.frames)
        count = 0
        for frame in shown:
            kept.append(frame)
            count += 1
        frames, start = list(kept), count - len(kept)
    if len(frames) < params.frames:
        raise MediaError(
            f"{path.name} shows {len(frames)} frames at {params.fps:g} fps; "
            f"{params.frames} are needed",
            where=str(path),
            hint="give a longer file, or make a shorter clip",
        )
    return start / params.fps, frames


def at_rate(frames: Iterable[tuple[float, Frame]], fps: float) -> Iterator[Frame]:
    """What is on the screen at 0, 1/fps, 2/fps and so on: frames are dropped or repeated.

    The last one is shown as long as the one before it.
    """
    number, shown, length = 0, None, 1 / fps
    begun = 0.0
    for seconds, frame in frames:
        while shown is not None and number / fps + ROUNDING < seconds:
            yield shown
            number += 1
        if shown is not None:
            length = seconds - begun
        shown, begun = frame, seconds
    while shown is not None and number / fps + ROUNDING < begun + length:
        yield shown
        number += 1


def _read_sound(path: Path, start: float, seconds: float, rate: int) -> Samples:
    """(n, 2) float32 at ``rate``, exactly ``seconds`` long, silence where the file has ended."""
    import numpy as np

    from rushes.media import read_audio_at

    first, count = round(start * rate), round(seconds * rate)
    sound = np.zeros((count, 2), np.float32)
    place = -first
    for block in read_audio_at(path, rate, channels=2):
        low, high = max(place, 0), min(place + len(block), count)
        if low < high:
            sound[low:high] = block[low - place : high - place]
        place += len(block)
        if place >= count:
            break
    return sound


STAGE = Stage(
    "encode_condition",
    1,
    "device",
    1,
    ("torch", "diffusers", "av"),
    EncodeConditionParams,
    run,
    loads_model=True,
)
"""Before denoise, beside encode_text: parts of a model are loaded once a build."""
