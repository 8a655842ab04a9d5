"""decode_video: video latents to lossless frames (FFV1), one at a time."""

from __future__ import annotations

from itertools import islice

from rushes.stages.base import Job, Made, Params, Stage
from rushes.stages.pieces import join_pieces


class DecodeVideoParams(Params, frozen=True):
    """``fps`` goes into the file's time stamps.

    Args:
        frames: that are written.
        skips: leading latents of each piece that the piece before it holds too.
        drop: frames at the start that are decoded and not written.
    """

    frames: int
    height: int
    width: int
    fps: float
    skips: tuple[int, ...] = (0,)
    drop: int = 0


def run(job: Job) -> Made:
    """Decode and write frame by frame."""
    from rushes.media import FrameWriter, frame_rate

    assert job.model is not None
    params: DecodeVideoParams = job.params
    latents = join_pieces(job, "video", params.skips)
    path = job.folder / "frames.mkv"
    frames = islice(job.model.decode_video(latents), params.drop, None)
    with FrameWriter(path, params.width, params.height, frame_rate(params.fps)) as writer:
        for number, frame in enumerate(frames, start=1):
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
    leaves_core=True,
)
