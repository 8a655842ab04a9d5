"""sample: a video file to the frames that a reader looks at, and when each is shown.

They are made no larger than the reader sees them and kept without loss: what an answer cites is
what the reader saw. Another question needs no new ones.
"""

from __future__ import annotations

from rushes.readers.base import Sampling
from rushes.readers.selection import Selection
from rushes.stages.base import Job, Made, Params, Stage
from rushes.stages.reel import write_reel


class SampleParams(Params, frozen=True):
    """Which frames.

    Args:
        sampling: how densely, after all that was asked for and that there is room for.
        selection: which part of the file.
        height, width: of a frame as the reader sees it.
    """

    sampling: Sampling
    selection: Selection
    height: int
    width: int


def run(job: Job) -> Made:
    """Sample the file once."""
    from rushes.readers.sampling import sample_clip

    params: SampleParams = job.params
    seen = params.height, params.width
    file = job.inputs["file"]["file"]
    frames = sample_clip(file, params.sampling, params.selection, seen)
    return Made(write_reel(frames, job.folder), {"frames": len(frames.seconds)})


STAGE = Stage("sample", 1, "media", 4, ("av", "pillow"), SampleParams, run)
"""In no plan of a project: readings make it."""
