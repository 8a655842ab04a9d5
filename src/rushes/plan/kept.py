"""Which latents of a window are given, and kept as they are."""

from __future__ import annotations

import math

from rushes.plan.windows import Timeline, Window
from rushes.spec.given import Retake, SourceFile
from rushes.spec.project import Shot
from rushes.stages.denoise import Ranges


def find_kept(shot: Shot, time: Timeline, window: Window, first: Window) -> tuple[Ranges, Ranges]:
    """Latents of the window that are given, of picture and of sound."""
    conditions = shot.conditions
    if conditions.video is not None:
        silent = isinstance(conditions.video, SourceFile) and not conditions.video.sound
        if conditions.retake is None:
            return _ranges((0, window.latents)), ()
        video, audio = _keep_around(shot, time, conditions.retake, window)
        return video, () if silent else audio
    extend = conditions.extend
    silent = window is first and isinstance(extend, SourceFile) and not extend.sound
    low = window.audio_given if silent else 0
    high = window.audio_latents if conditions.audio is not None else window.audio_given
    return _ranges((0, window.given)), _ranges((low, high))


def _keep_around(
    shot: Shot, time: Timeline, retake: Retake, window: Window
) -> tuple[Ranges, Ranges]:
    """What lies outside the span; latents that the span touches are made again."""
    low, high = time.latent_at(retake.start), time.latent_at(retake.end - 1) + 1
    video = _ranges((0, low), (high, window.latents))
    scale = time.audio_rate / shot.shape.fps
    low, high = math.floor(retake.start * scale), math.ceil(retake.end * scale)
    audio = _ranges((0, low), (min(high, window.audio_latents), window.audio_latents))
    whole, heard = ((0, window.latents),), ((0, window.audio_latents),)
    return (whole if retake.what == "sound" else video), (
        heard if retake.what == "picture" else audio
    )


def _ranges(*pairs: tuple[int, int]) -> Ranges:
    return tuple((low, high) for low, high in pairs if low < high)
