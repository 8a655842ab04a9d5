"""encode_condition: a picture, footage or sound to latents, as denoise is given them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rushes.stages.base import Job, Made, Params, Stage
from rushes.stages.footage import read_clip, read_picture, read_tail

if TYPE_CHECKING:
    from rushes.models.base import Samples, Tensors


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
        if params.kind == "picture":
            frames = [read_picture(path)]
        elif params.tail:
            start, frames = read_tail(path, params.frames, params.fps)
        else:
            frames = read_clip(path, params.frames, params.fps)
        latents["video"] = job.model.encode_video(frames, params.height, params.width)
        job.report(1, 2)
    if params.audio_latents:
        seconds = params.frames / params.fps
        samples = _read_sound(path, start, seconds, job.model.audio_input_rate)
        latents["audio"] = job.model.encode_audio(samples, params.audio_latents)
    target = job.folder / "latents.safetensors"
    save_file({name: value.contiguous() for name, value in latents.items()}, target)
    return Made({"latents": target})


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
