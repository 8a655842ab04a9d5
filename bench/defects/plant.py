"""Defects at graded strengths: each takes a clean clip and gives it back with the defect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.defects.corpus import RATE, Clip

Plant = Callable[[Clip, float], Clip]


@dataclass(frozen=True)
class Defect:
    """A defect that a check should find.

    Args:
        visible: the strength that docs/checks.md calls visible (or audible).
        onto: motions of clips that it can be planted in; empty for all.
        shows: whether it can be seen in a clip at all.
    """

    check: str
    name: str
    unit: str
    strengths: tuple[float, ...]
    visible: float
    plant: Plant
    onto: tuple[str, ...] = ()
    shows: Callable[[Clip], bool] = lambda clip: True


MOVING = ("slides", "rises", "pans")
"""Steady motions: what goes round fast is back where it was eight frames later."""
EVENTS = ("bounces", "slides", "blinks")


def _add(frame: NDArray[np.uint8], levels: object) -> NDArray[np.uint8]:
    return np.asarray(np.clip(frame.astype(np.float32) + levels, 0, 255).round(), dtype=np.uint8)


def drop_out(clip: Clip, seconds: float) -> Clip:
    frames = list(clip.frames)
    level = 250 if frames[0].mean() < 60 else 0
    for n in range(8, min(len(frames), 8 + max(1, round(seconds * clip.fps)))):
        frames[n] = np.full_like(frames[n], level)
    return clip.change(frames=frames)


def letterbox(clip: Clip, share: float) -> Clip:
    frames = [frame.copy() for frame in clip.frames]
    bar = round(share * frames[0].shape[0] / 2)
    for frame in frames:
        frame[:bar] = 0
        frame[len(frame) - bar :] = 0
    return clip.change(frames=frames)


def has_light_edges(clip: Clip) -> bool:
    """Black bars on black are none."""
    first = clip.frames[0]
    rows = max(1, len(first) // 10)
    return min(float(first[:rows].mean()), float(first[-rows:].mean())) > 32


def freeze(clip: Clip, share: float) -> Clip:
    frames = list(clip.frames)
    still = round(share * len(frames))
    start = len(frames) - still
    return clip.change(frames=frames[:start] + [frames[start - 1 if start else 0]] * still)


def loop(clip: Clip, seconds: float) -> Clip:
    """The clip begins anew every so many seconds; the shorter, the stronger."""
    count = max(2, round(seconds * clip.fps))
    return clip.change(frames=[clip.frames[n % count] for n in range(len(clip.frames))])


def flicker(clip: Clip, levels: float) -> Clip:
    signs = (levels / 2, -levels / 2)
    return clip.change(frames=[_add(f, signs[n % 2]) for n, f in enumerate(clip.frames)])


def cut(clip: Clip, strength: float) -> Clip:
    """Another scene from the middle on, mixed into the first by ``strength``."""
    half = len(clip.frames) // 2
    grey = abs(float(np.median(clip.frames[0])) - 128) < 40
    other = [cv2.rotate(f // 4 if grey else 255 - f, cv2.ROTATE_180) for f in clip.frames[half:]]
    mixed = [
        cv2.addWeighted(a, 1 - strength, b, strength, 0)
        for a, b in zip(clip.frames[half:], other, strict=True)
    ]
    return clip.change(frames=[*clip.frames[:half], *mixed])


def skip(clip: Clip, frames: float) -> Clip:
    """So many frames are lost, where that is seen best: a thing may have turned back meanwhile."""
    lost = round(frames)
    places = range(6, len(clip.frames) - lost - 6)
    places = places or range(6, 7)
    at = max(places, key=lambda n: float(cv2.norm(clip.frames[n - 1], clip.frames[n + lost])))
    kept = clip.frames[:at] + clip.frames[at + lost :]
    return clip.change(frames=kept, wave=None)


def drift(clip: Clip, levels: float) -> Clip:
    count = len(clip.frames)
    sign = -1 if clip.frames[0].mean() > 128 else 1
    tint = sign * np.array([1.0, 0.3, 0.6])
    return clip.change(
        frames=[_add(f, tint * levels * n / count) for n, f in enumerate(clip.frames)]
    )


def step(clip: Clip, levels: float) -> Clip:
    half = len(clip.frames) // 2
    sign = -1 if clip.frames[0].mean() > 128 else 1
    tint = sign * np.array([1.0, 0.5, 0.2]) * levels
    return clip.change(frames=clip.frames[:half] + [_add(f, tint) for f in clip.frames[half:]])


def blur(clip: Clip, pixels: float) -> Clip:
    return clip.change(frames=[cv2.GaussianBlur(f, (0, 0), pixels) for f in clip.frames])


def clip_sound(clip: Clip, decibels: float) -> Clip:
    peak = max(1e-6, float(np.abs(_wave(clip)).max()))
    gain = 10 ** (decibels / 20) / peak
    return clip.change(wave=np.clip(_wave(clip) * gain, -1, 1).astype(np.float32))


def fade_away(clip: Clip, decibels: float) -> Clip:
    return clip.change(wave=(_wave(clip) * 10 ** (-decibels / 20)).astype(np.float32))


def hum(clip: Clip, dbfs: float) -> Clip:
    t = np.arange(len(_wave(clip))) / RATE
    tone = np.sin(2 * np.pi * 50 * t) + 0.4 * np.sin(2 * np.pi * 150 * t)
    added = 0.8 * _wave(clip) + (10 ** (dbfs / 20) * tone)[:, None]
    return clip.change(wave=np.clip(added, -1, 1).astype(np.float32))


def click(clip: Clip, level: float) -> Clip:
    wave = 0.8 * _wave(clip)
    places = np.random.default_rng(3).integers(100, len(wave) - 100, 10)
    wave[places] = np.where(wave[places] > 0, wave[places] - level, wave[places] + level)
    return clip.change(wave=np.clip(wave, -1, 1).astype(np.float32))


def delay(clip: Clip, milliseconds: float) -> Clip:
    """Sound moved by so much, early where negative; silence fills the gap."""
    wave, moved = _wave(clip), np.zeros_like(_wave(clip))
    count = round(milliseconds * RATE / 1000)
    if count >= 0:
        moved[count:] = wave[: len(wave) - count]
    else:
        moved[:count] = wave[-count:]
    return clip.change(wave=moved)


def _wave(clip: Clip) -> NDArray[np.float32]:
    assert clip.wave is not None
    return clip.wave


DEFECTS = (
    Defect("black", "dropout", "s", (0.06, 0.125, 0.25, 0.5), 0.125, drop_out),
    Defect("black", "bars", "share", (0.02, 0.05, 0.1, 0.2), 0.1, letterbox, shows=has_light_edges),
    Defect("frozen", "freeze", "share", (0.2, 0.4, 0.6, 0.9), 0.6, freeze),
    Defect("frozen", "loop", "s a turn", (1.5, 1.0, 0.7, 0.5), 0.7, loop, ("pans", "footage")),
    Defect("flicker", "flicker", "levels", (1, 2, 5, 15), 5, flicker),
    Defect("cut", "cut", "mix", (0.1, 0.25, 0.5, 1.0), 1.0, cut),
    Defect("jump", "skip", "frames", (1, 2, 4, 8), 8, skip, MOVING),
    Defect("drift", "drift", "levels", (10, 25, 50, 80), 50, drift),
    Defect("seam", "step", "levels", (4, 8, 15, 25), 15, step),
    Defect("sharpness", "blur", "pixels", (0.5, 1, 2, 4), 4, blur),
    Defect("clipping", "overdrive", "dB", (-3, 3, 6, 12), 6, clip_sound),
    Defect("loudness", "quiet", "dB", (6, 20, 40, 50), 40, fade_away),
    Defect("hum", "hum", "dBFS", (-60, -50, -40, -30), -40, hum),
    Defect("click", "click", "of full scale", (0.1, 0.2, 0.4, 0.6), 0.4, click),
    Defect("sync", "late", "ms", (0, 100, 200, 300, 400), 200, delay, EVENTS),
    Defect("sync", "early", "ms", (-50, -100, -200, -300, -400), -100, delay, EVENTS),
)
