"""assemble: the lossless parts of shots, joined and encoded once, to a film."""

from __future__ import annotations

from rushes.stages.base import Job, Made, Stage
from rushes.stages.export import ExportParams


class AssembleParams(ExportParams, frozen=True):
    """``crossfade`` in seconds; 0 cuts."""

    crossfade: float


def run(job: Job) -> Made:
    """Join the lossless parts and encode once."""
    from rushes.media import join_clips

    params: AssembleParams = job.params
    read = job.inputs
    count = sum(name.startswith("frames.") for name in read)
    parts = [
        (
            read[f"frames.{n}"]["frames"],
            read[f"sound.{n}"]["sound"] if f"sound.{n}" in read else None,
        )
        for n in range(count)
    ]
    path = job.folder / f"film.{params.container}"
    join_clips(parts, path, params.to_format(), crossfade_seconds=params.crossfade)
    return Made({"clip": path})


STAGE = Stage("assemble", 1, "media", 7, ("av",), AssembleParams, run)
