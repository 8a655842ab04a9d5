"""export: lossless frames and waveform to the finished clip, the same bytes every time."""

from __future__ import annotations

from dataclasses import fields

from rushes.media.formats import ExportFormat
from rushes.stages.base import Job, Made, Params, Stage


class ExportParams(Params, frozen=True):
    """The fields of :class:`rushes.media.ExportFormat`."""

    container: str
    video_codec: str
    crf: int
    preset: str
    audio_codec: str
    audio_kbps: int

    def to_format(self) -> ExportFormat:
        """The encoder's own description."""
        return ExportFormat(
            **{field.name: getattr(self, field.name) for field in fields(ExportFormat)}
        )


def run(job: Job) -> Made:
    """Encode and mux."""
    from rushes.media import export_clip

    params: ExportParams = job.params
    path = job.folder / f"clip.{params.container}"
    sound = job.inputs["sound"]["sound"] if "sound" in job.inputs else None
    export_clip(job.inputs["frames"]["frames"], sound, path, params.to_format())
    return Made({"clip": path})


STAGE = Stage("export", 1, "media", 4, ("av",), ExportParams, run)
