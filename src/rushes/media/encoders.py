"""FFmpeg's names for our formats, and the settings under which encoders repeat themselves."""

from __future__ import annotations

import os

from rushes.media.formats import PRESETS, ExportFormat

MUXERS = {"mp4": "mp4", "mov": "mov", "webm": "webm", "mkv": "matroska"}
ENCODERS = {"h264": "libx264", "h265": "libx265", "vp9": "libvpx-vp9", "av1": "libsvtav1"}
AUDIO_ENCODERS = {"aac": "aac", "opus": "libopus"}

AUDIO_RATES = {
    "aac": (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000),
    "opus": (8000, 12000, 16000, 24000, 48000),
}
"""Samples a second that each encoder takes; sound at other rates is resampled to 48 kHz."""

SVT_PRESETS = (12, 11, 10, 10, 9, 8, 6, 4, 3)
VP9_CPU_USED = (5, 5, 5, 4, 3, 2, 1, 1, 0)
"""The encoders' own speeds, in the order of ``PRESETS``."""

H265_MIN_SIDE = 64
"""x265 is not repeatable, or aborts the process, with smaller pictures (measured at 16 to 48)."""
H265_SMALL_SIDE = 128


def encoder_options(fmt: ExportFormat, side: int) -> dict[str, str]:
    """Options of an encoder whose picture's shorter side is ``side`` pixels.

    One thread, and nothing that looks at the clock or at memory it did not write.

    x264's macroblock-tree rate control is off: with it the same frames can give different streams
    (4 in 80 encodes at 64x64 on one machine, none in 190 on another). x265 reads memory it did
    not write where one of its blocks, 64x64 as it comes, covers the whole picture: small pictures
    get blocks of 32x32.
    """
    speed = PRESETS.index(fmt.preset)
    crf = str(fmt.crf)
    if fmt.video_codec == "h264":
        return {"crf": crf, "preset": fmt.preset, "x264-params": "mbtree=0"}
    if fmt.video_codec == "h265":
        fixed = "pools=none:frame-threads=1:info=0:log-level=none"
        fixed += ":ctu=32" if side <= H265_SMALL_SIDE else ""
        return {"crf": crf, "preset": fmt.preset, "x265-params": fixed}
    if fmt.video_codec == "vp9":
        cpu_used = str(VP9_CPU_USED[speed])
        return {"crf": crf, "b": "0", "deadline": "good", "cpu-used": cpu_used, "row-mt": "0"}
    os.environ.setdefault("SVT_LOG", "1")  # its banner has no other switch
    return {"crf": crf, "preset": str(SVT_PRESETS[speed]), "svtav1-params": "lp=1"}
