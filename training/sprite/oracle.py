"""Judges a finished MP4: what it shows and sounds like, with no knowledge of how it was made.

verdict = judge_file("clip.mp4")
verdict.colour, verdict.motion, verdict.offset_seconds
"""

from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np

from training.sprite import oracle_picture as eyes
from training.sprite import oracle_sound as ears


@dataclass(frozen=True)
class Verdict:
    """What the oracle saw and heard; None where it could not tell. Confidences are in [0, 1]."""

    colour: str | None
    shape: str | None
    motion: str | None
    background: str
    speed: str | None
    audible: bool
    level_dbfs: float
    picture_events: list[float]  # seconds
    sound_events: list[float]  # seconds
    offset_seconds: float | None  # median of sound minus picture
    confidence: dict[str, float] = field(default_factory=dict)


def read_file(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """(F, H, W, 3) uint8 frames and an (N,) float64 mono wave at 16 kHz (empty without sound)."""
    with av.open(str(path)) as box:
        frames = [f.to_ndarray(format="rgb24") for f in box.decode(video=0)]
    pieces: list[np.ndarray] = []
    with av.open(str(path)) as box:
        if box.streams.audio:
            resampler = av.AudioResampler("flt", "mono", ears.SAMPLE_RATE)
            for frame in box.decode(audio=0):
                pieces += [f.to_ndarray()[0] for f in resampler.resample(frame)]
            pieces += [f.to_ndarray()[0] for f in resampler.resample(None)]
    wave = np.concatenate(pieces).astype(np.float64) if pieces else np.zeros(0)
    return np.stack(frames), wave


def judge(frames: np.ndarray, wave: np.ndarray) -> Verdict:
    """The verdict on decoded frames and sound."""
    seen = eyes.see(frames)
    track, motion = seen.track, seen.motion
    shape, sure_shape = eyes.judge_shape(track)
    speed, sure_speed = eyes.judge_speed(track, motion) if motion else (None, 0.0)
    audible, level = ears.is_audible(wave)
    shown = eyes.find_events(track, motion) if motion else []
    heard = ears.find_onsets(wave, motion) if motion and audible else []
    offsets = ears.match_events(shown, heard)
    return Verdict(
        colour=seen.colour,
        shape=shape,
        motion=motion,
        background=seen.background,
        speed=speed,
        audible=audible,
        level_dbfs=level,
        picture_events=shown,
        sound_events=heard,
        offset_seconds=float(np.median(offsets)) if offsets else None,
        confidence={**seen.sure, "shape": sure_shape, "speed": sure_speed},
    )


def judge_file(path: str | Path) -> Verdict:
    """The verdict on a finished file."""
    return judge(*read_file(path))
