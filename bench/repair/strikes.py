"""A check of one's own: every strike that is seen is heard then, and nothing else is heard.

The events are the oracle's, which knows nothing of how the clip was made; the limits are those of
ITU-R BT.1359 for what is noticed.
"""

import numpy as np

from rushes.checks.base import Span, Verdict
from training.sprite import oracle
from training.sprite.oracle_sound import SAMPLE_RATE

EARLY, LATE = 0.045, 0.125
BEFORE, AFTER = 0.06, 0.19
"""Seconds of sound around a moment that has to be made again."""


class Judge:
    def __init__(self) -> None:
        self.frames: list[np.ndarray] = []
        self.sound: list[np.ndarray] = []
        self.rate = SAMPLE_RATE

    def see_frame(self, seconds: float, frame: np.ndarray) -> None:
        self.frames.append(frame.copy())

    def hear_samples(self, seconds: float, samples: np.ndarray, rate: int) -> None:
        self.sound.append(samples.mean(axis=1).astype(np.float64))
        self.rate = rate

    def give_verdict(self) -> Verdict:
        wave = np.concatenate(self.sound) if self.sound else np.zeros(0)
        if self.rate != SAMPLE_RATE:
            times = np.arange(round(len(wave) * SAMPLE_RATE / self.rate)) / SAMPLE_RATE
            wave = np.interp(times, np.arange(len(wave)) / self.rate, wave)
        seen = oracle.judge(np.stack(self.frames), wave)
        lost = [p for p in seen.picture_events if not any(_fits(p, s) for s in seen.sound_events)]
        odd = [s for s in seen.sound_events if not any(_fits(p, s) for p in seen.picture_events)]
        count = len(seen.picture_events) + len(seen.sound_events)
        score = 1.0 if not count else 1 - (len(lost) + len(odd)) / count
        spans = tuple(
            Span(max(t - BEFORE, 0.0), t + AFTER, note)
            for times, note in ((lost, "seen, not heard"), (odd, "heard, not seen"))
            for t in times
        )
        evidence = {"seen": len(seen.picture_events), "heard": len(seen.sound_events)}
        return Verdict("strikes.py", score, 1.0, "strikes and sounds", spans, evidence, "sound")


def _fits(picture: float, sound: float) -> bool:
    return -EARLY <= sound - picture <= LATE


class Strikes:
    name, version, about = "strikes.py", 1, "every strike is heard when it is seen"

    def judge(self, info: object, expect: object) -> Judge:
        return Judge()


CHECK = Strikes()
