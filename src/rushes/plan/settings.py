"""Settings of a denoise and of a refinement, from what a shot says."""

from __future__ import annotations

from typing import Any

from rushes.catalogue.model import Sampling
from rushes.models.tiling import choose_tile
from rushes.plan.seeds import stage_seed
from rushes.spec.project import Shot
from rushes.stages.denoise import DenoiseParams
from rushes.stages.refine import RefineParams


def sampling_params(sampling: Sampling) -> dict[str, Any]:
    """The settings of a denoise that a shot's sampling decides; what a model has not is off."""
    said = {name: getattr(sampling, name) for name in sampling.__struct_fields__}
    said.pop("about")
    said.update(sigmas=tuple(sampling.sigmas), stg_blocks=tuple(sampling.stg_blocks))
    off = {"audio_guidance": 1.0, "stg": 0.0, "modality_guidance": 1.0, "rescale": 0.0}
    return {name: off.get(name) if value is None else value for name, value in said.items()}


def refine_params(
    base: DenoiseParams, shot: Shot, size: tuple[int, int], label: str, seed: int
) -> RefineParams:
    """A denoise's settings, for the refinement of the same latents at ``size`` (height, width)."""
    upscale, step = shot.model.upscale, shot.model.latents.video_size
    assert upscale is not None
    said = {name: getattr(base, name) for name in base.__struct_fields__}
    said.update(sampling_params(upscale.sampling))
    said.update(seed=stage_seed(seed, label), height=size[0], width=size[1])
    if size[0] * size[1] > upscale.pixels_max:
        overlap = upscale.overlap // step
        rows, columns = size[0] // step, size[1] // step
        said["tile"] = choose_tile(rows, columns, upscale.pixels_max // step**2, overlap)
        said["overlap"] = overlap
    return RefineParams(**said)
