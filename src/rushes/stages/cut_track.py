"""cut_track: the sound of a given file, as long as the clip, for models that make none."""

from __future__ import annotations

from pathlib import Path

from rushes.stages.base import Job, Made, Params, Stage


class CutTrackParams(Params, frozen=True):
    """How long the clip is."""

    seconds: float


def run(job: Job) -> Made:
    """The beginning of the track; silence follows where the file ends too soon."""
    params: CutTrackParams = job.params
    path = job.folder / "sound.wav"
    cut_sound(job.inputs["track"]["file"], path, params.seconds)
    return Made({"sound": path})


def cut_sound(source: Path, path: Path, seconds: float) -> None:
    """Write the first seconds of a file's sound, decoded block by block."""
    from rushes.media import AudioWriter, probe, read_audio

    info = probe(source).audio
    assert info is not None
    left = round(seconds * info.rate)
    blocks = read_audio(source)
    _, first, _ = next(blocks)
    with AudioWriter(path, info.rate, first.shape[1]) as writer:
        writer.write(first[:left])
        left -= len(first[:left])
        for _, samples, _ in blocks:
            if left <= 0:
                break
            writer.write(samples[:left])
            left -= len(samples[:left])


STAGE = Stage("cut_track", 1, "media", 3, ("av",), CutTrackParams, run)
