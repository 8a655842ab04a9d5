"""denoise: embeddings and a seed to latents of picture and sound."""

from __future__ import annotations

from rushes.models.base import DenoiseSettings
from rushes.stages.base import Job, Made, Params, Stage


class DenoiseParams(Params, frozen=True):
    """``seed`` is the stage's own, derived from the attempt's."""

    seed: int
    frames: int
    height: int
    width: int
    fps: float
    steps: int
    guidance: float
    audio_guidance: float


def run(job: Job) -> Made:
    """Denoise from noise, or from a checkpoint of the same node."""
    from safetensors.torch import load_file, save_file

    assert job.model is not None
    assert job.checkpoint is not None
    embeds = load_file(job.inputs["embeds"]["embeds"])
    settings = DenoiseSettings(**{name: getattr(job.params, name) for name in _FIELDS})
    latents = job.model.denoise(embeds, settings, job.report, job.checkpoint)
    path = job.folder / "latents.safetensors"
    save_file(latents, path)
    return Made({"latents": path})


_FIELDS = DenoiseParams.__struct_fields__
STAGE = Stage(
    "denoise", 1, "device", 2, ("torch", "diffusers"), DenoiseParams, run, loads_model=True
)
