"""cut_track: the sound of a given file, as long as the clip, for models that make none."""

from __future__ import annotations

from rushes.stages.base import Job, Made, Params, Stage


class CutTrackParams(Params, frozen=True):
    """How long the clip is."""

    seconds: float


def run(job: Job) -> Made:
    """Decode and write block by block; silence follows where the file ends too soon."""
    from rushes.media import AudioWriter, probe, read_audio

    params: CutTrackParams = job.params
    source, path = job.inputs["track"]["file"], job.folder / "sound.wav"
    info = probe(source).audio
    assert info is not None
    left = round(params.seconds * info.rate)
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
    return Made({"sound": path})


STAGE = Stage("cut_track", 1, "media", 3, ("av",), CutTrackParams, run)
