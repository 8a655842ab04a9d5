"""encode_given: all that a shot is given, encoded together, for models that read it so."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from rushes.models.base import Family, GivenMedia
from rushes.spec.given import Conditions
from rushes.stages.base import Job, Made, Params, Stage
from rushes.stages.footage import read_clip, read_picture

Role = tuple[str, Literal["picture", "clip"]]
"""The name of an input, and what is read of it."""


class EncodeGivenParams(Params, frozen=True):
    """The clip's shape, and the role of every file.

    Args:
        roles: names of the inputs, and whether each is a picture or footage of the clip's length:
            ``image``, ``last_image``, ``reference.N``; ``video``, ``mask``, ``control``.
        control_kind: what a ``control`` video shows; "" where there is none.
    """

    frames: int
    height: int
    width: int
    fps: float
    roles: tuple[Role, ...]
    control_kind: str = ""


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
        {
            name: read_clip(_path_of(job, name), params.frames, params.fps, still=name == "mask")
            for name, kind in params.roles
            if kind == "clip"
        },
        params.control_kind,
    )
    target = job.folder / "given.safetensors"
    tensors = job.model.encode_given(media)
    save_file({name: value.contiguous().cpu() for name, value in tensors.items()}, target)
    return Made({"given": target})


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
