"""decode_audio: audio latents to a float waveform, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rushes.stages.base import Job, Made, Params, Stage
from rushes.stages.pieces import join_pieces

if TYPE_CHECKING:
    from rushes.models.base import Samples


class DecodeAudioParams(Params, frozen=True):
    """What of the decoded waveform is written.

    Args:
        skips: leading latents of each piece that the piece before it holds too.
        drop_seconds: at the start, decoded and not written.
        seconds: the most that is written; None for all.
    """

    skips: tuple[int, ...] = (0,)
    drop_seconds: float = 0.0
    seconds: float | None = None


def run(job: Job) -> Made:
    """Decode and write block by block."""
    from rushes.media import AudioWriter

    assert job.model is not None
    params: DecodeAudioParams = job.params
    path = job.folder / "sound.wav"
    blocks = cut_blocks(
        job.model.decode_audio(join_pieces(job, "audio", params.skips)),
        round(params.drop_seconds * job.model.audio_rate),
        None if params.seconds is None else round(params.seconds * job.model.audio_rate),
    )
    first = next(blocks)
    with AudioWriter(path, job.model.audio_rate, first.shape[1]) as writer:
        writer.write(first)
        for block in blocks:
            writer.write(block)
    return Made({"sound": path})


def cut_blocks(blocks: Iterator[Samples], drop: int, limit: int | None) -> Iterator[Samples]:
    """Samples ``drop`` up to ``drop + limit`` of a stream of blocks (n, channels)."""
    place = 0
    stop = None if limit is None else drop + limit
    for block in blocks:
        low = max(drop - place, 0)
        high = len(block) if stop is None else min(stop - place, len(block))
        place += len(block)
        if low < high:
            yield block[low:high]


STAGE = Stage(
    "decode_audio",
    1,
    "device",
    3,
    ("torch", "diffusers", "av"),
    DecodeAudioParams,
    run,
    loads_model=True,
    leaves_core=True,
)
