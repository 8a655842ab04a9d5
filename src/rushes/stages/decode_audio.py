"""decode_audio: audio latents to a float waveform, block by block."""

from __future__ import annotations

from rushes.stages.base import Job, Made, Params, Stage


class DecodeAudioParams(Params, frozen=True):
    """Nothing beside the latents and the weights decides the waveform."""


def run(job: Job) -> Made:
    """Decode and write block by block."""
    from safetensors.torch import load_file

    from rushes.media import AudioWriter

    assert job.model is not None
    latents = load_file(job.inputs["latents"]["latents"])
    path = job.folder / "sound.wav"
    blocks = job.model.decode_audio(latents)
    first = next(blocks)
    with AudioWriter(path, job.model.audio_rate, first.shape[1]) as writer:
        writer.write(first)
        for block in blocks:
            writer.write(block)
    return Made({"sound": path})


STAGE = Stage(
    "decode_audio",
    1,
    "device",
    3,
    ("torch", "diffusers", "av"),
    DecodeAudioParams,
    run,
    loads_model=True,
)
