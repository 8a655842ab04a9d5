"""What a clip is exported as; no FFmpeg is loaded here, so that planning can validate it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from rushes.errors import ProjectError

CONTAINERS = {
    "mp4": (("h264", "h265", "av1"), ("aac",)),
    "mov": (("h264", "h265"), ("aac",)),
    "mkv": (("h264", "h265", "vp9", "av1"), ("opus",)),
    "webm": (("vp9", "av1"), ("opus",)),
}
"""Codecs that a container carries and players play. Matroska is not given AAC: FFmpeg declares its
priming there as sound, so that sound and picture would not agree within one frame."""

PRESETS = (
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
)
"""x264's names for speed against size, used for every codec."""

MAX_CRF = {"h264": 51, "h265": 51, "vp9": 63, "av1": 63}
"""The largest constant rate factor each encoder takes (their documentation)."""

MIN_AUDIO_KBPS, MAX_AUDIO_KBPS = 8, 510
"""Kilobits (1000 bits) a second that AAC and Opus both take."""


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """Container, codecs and quality of an exported clip; pictures are 8-bit 4:2:0, BT.709.

    Args:
        container: one of ``CONTAINERS``.
        crf: constant rate factor, 0 to ``MAX_CRF``; lower is better and larger.
        preset: one of ``PRESETS``; slower is smaller.
        audio_kbps: 1000 bits a second.

    Raises:
        ProjectError: a value that is not offered, or codecs that the container does not carry.
    """

    container: str = "mp4"
    video_codec: str = "h264"
    crf: int = 18
    preset: str = "medium"
    audio_codec: str = "aac"
    audio_kbps: int = 128

    def __post_init__(self) -> None:
        _require_one("container", self.container, CONTAINERS)
        _require_one("video codec", self.video_codec, MAX_CRF)
        _require_one("audio codec", self.audio_codec, ("aac", "opus"))
        _require_one("preset", self.preset, PRESETS)
        videos, audios = CONTAINERS[self.container]
        _require_carried(self.container, self.video_codec, videos)
        _require_carried(self.container, self.audio_codec, audios)
        _require_range("crf", self.crf, 0, MAX_CRF[self.video_codec])
        _require_range("audio_kbps", self.audio_kbps, MIN_AUDIO_KBPS, MAX_AUDIO_KBPS)

    @property
    def suffix(self) -> str:
        """File name ending, with its dot."""
        return f".{self.container}"


def _require_one(what: str, value: str, allowed: Iterable[str]) -> None:
    names = list(allowed)
    if value in names:
        return
    near = get_close_matches(str(value), names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"one of: {', '.join(names)}"
    raise ProjectError(f"unknown {what} {value!r}", where="export", hint=hint)


def _require_carried(container: str, codec: str, carried: tuple[str, ...]) -> None:
    if codec not in carried:
        raise ProjectError(
            f"a {container} file does not carry {codec} here",
            where="export",
            hint=f"use {' or '.join(carried)}, or another container",
        )


def _require_range(what: str, value: int, low: int, high: int) -> None:
    if type(value) is not int or not low <= value <= high:
        raise ProjectError(
            f"{what} = {value!r} is outside {low} to {high}",
            where="export",
            hint=f"give a whole number from {low} to {high}",
        )
