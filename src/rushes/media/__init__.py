"""Frames with their times, sound, muxing: everything that reads or writes a media file.

The one importer of PyAV. Names are loaded when first used, so that ``ExportFormat`` can be
validated at plan time without loading FFmpeg.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rushes.media.exporting import encode_clip, export_clip
    from rushes.media.formats import ExportFormat
    from rushes.media.images import encode_image
    from rushes.media.joining import join_clips
    from rushes.media.loudness import Loudness, LoudnessMeter
    from rushes.media.probing import (
        AudioInfo,
        MediaInfo,
        VideoInfo,
        count_frames,
        ffmpeg_versions,
        probe,
    )
    from rushes.media.reading import (
        Damage,
        FrameItem,
        SoundItem,
        read_audio,
        read_audio_at,
        read_both,
        read_frames,
    )
    from rushes.media.resampling import MonoResampler
    from rushes.media.seeking import FrameCursor, Still
    from rushes.media.tagging import tag_clip
    from rushes.media.writing import AudioWriter, FrameWriter, frame_rate

__all__ = [
    "AudioInfo",
    "AudioWriter",
    "Damage",
    "ExportFormat",
    "FrameCursor",
    "FrameItem",
    "FrameWriter",
    "Loudness",
    "LoudnessMeter",
    "MediaInfo",
    "MonoResampler",
    "SoundItem",
    "Still",
    "VideoInfo",
    "count_frames",
    "encode_clip",
    "encode_image",
    "export_clip",
    "ffmpeg_versions",
    "frame_rate",
    "join_clips",
    "probe",
    "read_audio",
    "read_audio_at",
    "read_both",
    "read_frames",
    "tag_clip",
]

_HOMES = {
    "exporting": ("encode_clip", "export_clip"),
    "formats": ("ExportFormat",),
    "images": ("encode_image",),
    "joining": ("join_clips",),
    "loudness": ("Loudness", "LoudnessMeter"),
    "probing": (
        "AudioInfo",
        "MediaInfo",
        "VideoInfo",
        "count_frames",
        "ffmpeg_versions",
        "probe",
    ),
    "reading": (
        "Damage",
        "FrameItem",
        "SoundItem",
        "read_audio",
        "read_audio_at",
        "read_both",
        "read_frames",
    ),
    "resampling": ("MonoResampler",),
    "seeking": ("FrameCursor", "Still"),
    "tagging": ("tag_clip",),
    "writing": ("AudioWriter", "FrameWriter", "frame_rate"),
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'rushes.media' has no attribute {name!r}")
    return getattr(importlib.import_module(f"rushes.media.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
