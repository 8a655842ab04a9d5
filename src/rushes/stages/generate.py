"""generate: a prompt to the frames and sound of a clip that somebody else makes.

The clip comes as its provider encodes it. It is kept as it came, and as lossless frames and sound
like those of any other model, so that export, films and checks are the same. Once the provider has
named its job, a run that is killed is gone on with, and pays nothing more.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from rushes.catalogue.remote import Remote
from rushes.errors import PolicyRefused, StageFailed
from rushes.stages.base import Job, Made, Params, Stage
from rushes.stages.cut_track import cut_sound
from rushes.stages.render_prompt import read_prompt


class GenerateParams(Params, frozen=True):
    """What the provider is asked for, and by whom it is made; neither its address nor its price
    decides what comes.

    Args:
        seed: makes a take another one; no provider is told it.
    """

    provider: str
    like: str
    protocol: str
    model: str
    seed: int
    frames: int
    height: int
    width: int
    fps: float
    sound: bool


def run(job: Job) -> Made:
    """Have it made, fetch it, unpack it."""
    from rushes.paid.gateway import Gateway
    from rushes.paid.videos import VideoRequest, make_video
    from rushes.payments import Payments

    params: GenerateParams = job.params
    if job.allowance is None or job.remote is None:
        raise PolicyRefused("nothing says that this may be paid", where="policy.paid")
    said = read_prompt(job.inputs["prompt"]["prompt"])
    prompt = f"{said.prompt}\n\nNot in it: {said.negative}" if said.negative else said.prompt
    image = job.inputs["image"]["file"] if "image" in job.inputs else None
    request = VideoRequest(
        intent=job.key,
        prompt=prompt,
        seconds=params.frames / params.fps,
        size=f"{params.width}x{params.height}",
        image=image,
    )
    path = job.folder / "original.mp4"
    payment, usd = make_video(
        Gateway(Payments(), job.allowance), job.remote, request, path, job.report
    )
    job.tell_paid(usd)
    files = {"original": path, **unpack_clip(path, job.folder, params, job.remote)}
    facts: dict[str, object] = {"usd": f"{usd:f}", "payment": payment.id, "job": payment.job}
    return Made(files, facts)


def unpack_clip(
    path: Path, folder: Path, params: GenerateParams, remote: Remote
) -> dict[str, Path]:
    """Lossless frames, no more than were asked for, and sound where there is any.

    Raises:
        StageFailed: it is no clip, or of another size.
    """
    from rushes.media import FrameWriter, frame_rate, probe, read_frames

    info = probe(path)
    if info.video is None:
        raise StageFailed(f"{remote.name} gave a file without a picture")
    found = (info.video.width, info.video.height)
    if found != (params.width, params.height):
        raise StageFailed(
            f"{remote.name} made {found[0]}x{found[1]}, not {params.width}x{params.height}",
            hint=f"correct sizes of remotes.{remote.name}; what it made is paid",
        )
    frames = folder / "frames.mkv"
    with FrameWriter(frames, params.width, params.height, frame_rate(params.fps)) as writer:
        for _, pixels in islice(read_frames(path), params.frames):
            writer.write(pixels)
    made = {"frames": frames}
    if params.sound:
        if info.audio is None:
            raise StageFailed(f"{remote.name} made a clip without sound", hint='audio = "none"')
        made["sound"] = folder / "sound.wav"
        cut_sound(path, made["sound"], params.frames / params.fps)
    return made


STAGE = Stage("generate", 1, "remote", 1, ("av",), GenerateParams, run)
