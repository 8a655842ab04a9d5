"""refine: upsampled latents, noised a little and denoised again at the larger size."""

from __future__ import annotations

from rushes.models.base import Tiling
from rushes.stages.base import Job, Made, Stage
from rushes.stages.denoise import DenoiseParams, choose_checkpoint, read_given, read_settings


class RefineParams(DenoiseParams, frozen=True):
    """A denoise that begins with the input ``start``, noised up to the first sigma.

    Args:
        tile: height and width, in latents, of what is predicted at once; (0, 0) is all of it.
        overlap: latents that neighbouring tiles share.
    """

    tile: tuple[int, int] = (0, 0)
    overlap: int = 0


def run(job: Job) -> Made:
    """Refine, or go on from a checkpoint of the same node."""
    from safetensors.torch import load_file, save_file

    assert job.model is not None
    params: RefineParams = job.params
    latents = job.model.refine(
        load_file(job.inputs["embeds"]["embeds"]),
        read_settings(job),
        load_file(job.inputs["start"]["latents"]),
        read_given(params, job.inputs),
        Tiling(params.tile, params.overlap) if params.tile != (0, 0) else None,
        job.report,
        choose_checkpoint(job),
    )
    path = job.folder / "latents.safetensors"
    save_file(latents, path)
    return Made({"latents": path})


STAGE = Stage(
    "refine", 1, "device", 2, ("torch", "diffusers", "peft"), RefineParams, run, loads_model=True
)
