"""decode_video: video latents to lossless frames (FFV1), one at a time."""

from __future__ import annotations

from rushes.stages.base import Job, Made, Params, Stage


class DecodeVideoParams(Params, frozen=True):
    """``fps`` goes into the file's time stamps."""

    frames: int
    height: int
    width: int
    fps: float


def run(job: Job) -> Made:
    """Decode and write frame by frame."""
    from safetensors.torch import load_file

    from rushes.media import FrameWriter, frame_rate

    assert job.model is not None
    params: DecodeVideoParams = job.params
    latents = load_file(job.inputs["latents"]["latents"])
    path = job.folder / "frames.mkv"
    with FrameWriter(path, params.width, params.height, frame_rate(params.fps)) as writer:
        for number, frame in enumerate(job.model.decode_video(latents), start=1):
            writer.write(frame)
            job.report(number, params.frames)
    return Made({"frames": path})


STAGE = Stage(
    "decode_video",
    1,
    "device",
    3,
    ("torch", "diffusers", "av"),
    DecodeVideoParams,
    run,
    loads_model=True,
)
