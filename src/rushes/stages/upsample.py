"""upsample: latents to latents of twice the height and width."""

from __future__ import annotations

from rushes.stages.base import Job, Made, Params, Stage


class UpsampleParams(Params, frozen=True):
    """Nothing beside the latents and the weights decides it."""


def run(job: Job) -> Made:
    """Upsample the picture; the sound goes along."""
    from safetensors.torch import load_file, save_file

    assert job.model is not None
    larger = job.model.upsample(load_file(job.inputs["latents"]["latents"]))
    path = job.folder / "latents.safetensors"
    save_file({name: value.contiguous() for name, value in larger.items()}, path)
    return Made({"latents": path})


STAGE = Stage(
    "upsample", 1, "device", 2, ("torch", "diffusers"), UpsampleParams, run, loads_model=True
)
"""Beside denoise and refine, so that the three take turns shot by shot."""
