"""encode_given: all that a shot is given, encoded together, for models that read it so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rushes.models.base import Family, GivenMedia
from rushes.spec.given import Conditions
from rushes.stages.base import Job, Made, Params, Stage
from rushes.stages.footage import read_clip, read_picture, read_tail

if TYPE_CHECKING:
    from rushes.models.base import Frame

Role = tuple[str, Literal["picture", "clip", "tail"]]
"""The name of an input, and what is read of it: a picture, as many frames as the clip has, its last
ones."""


class EncodeGivenParams(Params, frozen=True):
    """The clip's shape, and the role of every file.

    Args:
        roles: names of the inputs, and whether each is a picture or footage of the clip's length:
            ``image``, ``last_image``, ``reference.N``, ``keyframe.N`` at frame N; ``video``,
            ``mask``, ``control``; ``extend``, whose end is read.
        control_kind: what a ``control`` video shows; "" where there is none.
        tail: frames that are read of ``extend``.
        again: frames of ``video``, from the first up to the second, that are made again; (0, 0)
            for what the mask says, or all.
    """

    frames: int
    height: int
    width: int
    fps: float
    roles: tuple[Role, ...]
    control_kind: str = ""
    tail: int = 0
    again: tuple[int, int] = (0, 0)


def encodes_together(family: Family, given: Conditions) -> bool:
    """Whether a shot that is given this needs the stage."""
    if family.reads_given in ("together", "first"):
        return bool(given.files or given.shots)
    return family.reads_given == "always"


def run(job: Job) -> Made:
    """Read every file at the clip's rate, encode."""
    from safetensors.torch import save_file

    params: EncodeGivenParams = job.params
    assert job.model is not None
    media = GivenMedia(
        params.frames,
        params.height,
        params.width,
        {
            name: read_picture(_path_of(job, name))
            for name, kind in params.roles
            if kind == "picture"
        },
        {name: _read(job, name, kind) for name, kind in params.roles if kind != "picture"},
        params.control_kind,
        params.again,
    )
    target = job.folder / "given.safetensors"
    tensors = job.model.encode_given(media)
    save_file({name: value.contiguous().cpu() for name, value in tensors.items()}, target)
    return Made({"given": target})


def _read(job: Job, name: str, kind: str) -> list[Frame]:
    params: EncodeGivenParams = job.params
    if kind == "tail":
        return read_tail(_path_of(job, name), params.tail, params.fps)[1]
    return read_clip(_path_of(job, name), params.frames, params.fps, still=name == "mask")


def _path_of(job: Job, name: str) -> Path:
    """A file of the project's, or the frames that another shot's decoder made."""
    (path,) = job.inputs[name].values()
    return path


STAGE = Stage(
    "encode_given",
    1,
    "device",
    1,
    ("torch", "diffusers", "transformers", "pillow", "av"),
    EncodeGivenParams,
    run,
    loads_model=True,
)
