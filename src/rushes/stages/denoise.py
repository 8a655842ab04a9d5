"""denoise: embeddings and a seed to latents of picture and sound, around what is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from rushes.catalogue.model import Speed
from rushes.models.base import DenoiseSettings, Given
from rushes.stages.base import Job, Made, Params, Stage
from rushes.stages.checkpoint import NoCheckpoint

if TYPE_CHECKING:
    import torch

    from rushes.models.base import Checkpoint, Tensors

Ranges = tuple[tuple[int, int], ...]
"""Latents from the first number up to the second, of several pieces."""


class DenoiseParams(Params, frozen=True):
    """See :class:`DenoiseSettings`; ``seed`` is the stage's own, derived from the attempt's.

    Args:
        kept_video, kept_audio: latents of this piece that are given.
        previous: how many of them, of picture and sound, are the end of the input ``previous``.
        sound_from: the latent of the input ``sound`` that the first audio latent after those is.
        keyframes: frames of the piece that the inputs ``picture.N`` show.
        lora_scales: how strongly the inputs ``lora.N`` act.
        speed: without its ``about``, which decides nothing.
    """

    seed: int
    first: int
    latents: int
    audio_offset: float
    audio_latents: int
    height: int
    width: int
    fps: float
    steps: int
    guidance: float
    audio_guidance: float = 1.0
    guidance_2: float | None = None
    stg: float = 0.0
    stg_blocks: tuple[int, ...] = ()
    modality_guidance: float = 1.0
    rescale: float = 0.0
    shift: float | None = None
    sigmas: tuple[float, ...] = ()
    lora: str = ""
    kept_video: Ranges = ()
    kept_audio: Ranges = ()
    previous: tuple[int, int] = (0, 0)
    sound_from: int = 0
    keyframes: tuple[int, ...] = ()
    lora_scales: tuple[float, ...] = ()
    speed: Speed | None = None


def run(job: Job) -> Made:
    """Denoise from noise, or from a checkpoint of the same node."""
    from safetensors.torch import load_file, save_file

    assert job.model is not None
    params: DenoiseParams = job.params
    embeds = load_file(job.inputs["embeds"]["embeds"])
    settings = read_settings(job)
    given: Given | Tensors | None
    if "given" in job.inputs:
        given = load_file(job.inputs["given"]["given"])
    else:
        given = read_given(params, job.inputs)
    latents = job.model.denoise(embeds, settings, given, job.report, choose_checkpoint(job))
    path = job.folder / "latents.safetensors"
    save_file(latents, path)
    return Made({"latents": path})


def choose_checkpoint(job: Job) -> Checkpoint:
    """The job's own; none under a step cache, whose state it would not hold, so that a denoise
    which went on from it would give other bytes."""
    assert job.checkpoint is not None
    params: DenoiseParams = job.params
    cached = params.speed is not None and params.speed.cache != ""
    return NoCheckpoint() if cached else job.checkpoint


def read_settings(job: Job) -> DenoiseSettings:
    """The settings, with the files of the project's adapters."""
    params: DenoiseParams = job.params
    names = {field.name for field in fields(DenoiseSettings)} - {"loras"}
    loras = tuple(
        (job.inputs[f"lora.{n}"]["file"], scale) for n, scale in enumerate(params.lora_scales)
    )
    return DenoiseSettings(**{name: getattr(params, name) for name in names}, loras=loras)


def read_given(params: DenoiseParams, inputs: Mapping[str, Mapping[str, Path]]) -> Given | None:
    """What the inputs give, laid out on this piece; None where they give nothing."""
    from safetensors.torch import load_file

    read = {
        name: load_file(paths["latents"])
        for name, paths in inputs.items()
        if name not in ("embeds", "start") and not name.startswith("lora.")
    }
    if not read:
        return None
    control = read.pop("control", None)  # of a size of its own
    pictures = [
        (frame, read[f"picture.{number}"]["video"]) for number, frame in enumerate(params.keyframes)
    ]
    video = _blank(read, "video", params.latents)
    audio = _blank(read, "audio", params.audio_latents)
    _lay_out(params, read, video, audio)
    if pictures and pictures[0][0] == 0 and params.first == 0:
        video[:, :1] = pictures.pop(0)[1]
    return Given(
        video, mark_kept(params.kept_video, params.latents),
        audio, mark_kept(params.kept_audio, params.audio_latents),
        tuple(pictures), None if control is None else control["video"],
    )  # fmt: skip


def _blank(read: Mapping[str, Tensors], name: str, length: int) -> torch.Tensor:
    """Zeros of the shape that is given, (C, ``length``, …); empty where nothing of it is given."""
    import torch

    like = next((tensors[name] for tensors in read.values() if name in tensors), None)
    if like is None:
        return torch.empty(0)
    return torch.zeros(like.shape[0], length, *like.shape[2:])


def _lay_out(
    params: DenoiseParams, read: Mapping[str, Tensors], video: torch.Tensor, audio: torch.Tensor
) -> None:
    """Copy what is given to its place in time."""
    count, heard = params.previous
    if (before := read.get("previous")) is not None:
        video[:, :count] = before["video"][:, -count:]
        if heard and "audio" in before:
            audio[:, :heard] = before["audio"][:, -heard:]
    if (sound := read.get("sound")) is not None:
        length = params.audio_latents - heard
        audio[:, heard:] = sound["audio"][:, params.sound_from : params.sound_from + length]
    if (whole := read.get("video")) is not None:
        video.copy_(whole["video"])
        if "audio" in whole:
            audio.copy_(whole["audio"])


def mark_kept(ranges: Ranges, length: int) -> torch.Tensor:
    """(length,) bool: True inside the ranges."""
    import torch

    mask = torch.zeros(length, dtype=torch.bool)
    for low, high in ranges:
        mask[low:high] = True
    return mask


STAGE = Stage(
    "denoise", 1, "device", 2, ("torch", "diffusers", "peft"), DenoiseParams, run, loads_model=True
)
