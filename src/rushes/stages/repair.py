"""repair: a span of a take made again, one modality of it or both, the rest kept bit for bit.

The transformer sees the span and a little around it, which is given; so a repair costs less than
another take. What was not to be made again is copied, not denoised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rushes.models.base import Given, find_family
from rushes.spec.project import Shot
from rushes.stages.base import Job, Made, Stage
from rushes.stages.denoise import DenoiseParams, choose_checkpoint, mark_kept, read_settings

if TYPE_CHECKING:
    from rushes.models.base import Tensors


class RepairParams(DenoiseParams, frozen=True):
    """A denoise of a window of the input ``take``.

    Args:
        video_from, audio_from: the window's first latents, of picture and sound, in the take.
            ``kept_video`` and ``kept_audio`` count from them.
    """

    video_from: int = 0
    audio_from: int = 0


def mends_spans(shot: Shot) -> bool:
    """Whether failed spans of a shot are made again alone."""
    return not why_whole(shot) and (shot.attempts > 1 or bool(shot.mended))


def why_whole(shot: Shot) -> str:
    """Why takes of a shot can only be made again whole; "" where spans can be: its model takes a
    noise level a token, it is one denoise, and nothing from outside is part of it."""
    given, model = shot.conditions, shot.model
    able = "retake" in model.controls and "repair" in find_family(model.family).folders
    reasons = (
        (not shot.repair, "repair is off"),
        (shot.remote is not None, "others make it"),
        (not able, f"{model.name} makes whole takes alone"),
        (bool(given.files or given.shots), "it is given more than its prompt"),
        (shot.sound != "model", "its sound is not the model's"),
        (shot.upscale > 1, "it is made larger than it is denoised"),
        (shot.shape.frames > model.grid.frames_max, "it is a chain of denoises"),
    )
    return next((why for holds, why in reasons if holds), "")


def run(job: Job) -> Made:
    """Denoise the window, and put what is new of it into the take."""
    from safetensors.torch import load_file, save_file

    assert job.model is not None
    params: RepairParams = job.params
    take = load_file(job.inputs["take"]["latents"])
    given = cut_window(take, params)
    embeds = load_file(job.inputs["embeds"]["embeds"])
    made = job.model.denoise(embeds, read_settings(job), given, job.report, choose_checkpoint(job))
    path = job.folder / "latents.safetensors"
    save_file(put_back(take, made, given, params), path)
    return Made({"latents": path})


def cut_window(take: Tensors, params: RepairParams) -> Given:
    """The window of a take's latents (C, F, H, W) and (C, L, M), and what of it is kept."""
    low, heard = params.video_from, params.audio_from
    return Given(
        take["video"][:, low : low + params.latents],
        mark_kept(params.kept_video, params.latents),
        take["audio"][:, heard : heard + params.audio_latents],
        mark_kept(params.kept_audio, params.audio_latents),
    )


def put_back(take: Tensors, made: Tensors, given: Given, params: RepairParams) -> Tensors:
    """The take with the window's new latents; all others are the very ones it had."""
    whole = {name: value.clone() for name, value in take.items()}
    places = {
        "video": (params.video_from, given.keep_video),
        "audio": (params.audio_from, given.keep_audio),
    }
    for name, (start, keep) in places.items():
        for number in (~keep).nonzero().flatten().tolist():
            whole[name][:, start + number] = made[name][:, number]
    return {name: value.contiguous() for name, value in whole.items()}


STAGE = Stage(
    "repair", 1, "device", 2, ("torch", "diffusers", "peft"), RepairParams, run, loads_model=True
)
