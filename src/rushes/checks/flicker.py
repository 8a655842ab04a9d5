"""flicker: the brightness of the whole picture goes up and down fast.

Plain differences of frames punish motion. Here a frame is compared with the one before along the
motion between them, and its change is the median over its pixels, which neither what moves nor what
blinks sways. A change counts only when it is undone within a quarter of a second, which neither a
fade nor a cut is. One flash is not flicker.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from rushes.checks.base import Expectation, Judge, Verdict
from rushes.checks.timeline import Run, make_spans

if TYPE_CHECKING:
    from rushes.checks.base import Frame, Samples
    from rushes.checks.views import View
    from rushes.media import MediaInfo

NOISE_LEVELS = 2.5
"""Smaller swings of brightness (of 255) are codec noise and cannot be seen."""
FAST_SECONDS = 0.25
"""A swing that takes longer is a change of light; WCAG 2.2's flashes are 3 or more a second."""
WINDOW_SECONDS = 1.0
"""The worst second decides (WCAG 2.2, 2.3.1: flashes "in any one second period")."""
LEVELS_A_SECOND = 40.0
"""Undone change that fails: an alternation of 3 levels at 16 fps, or three flashes of 20."""
THRESHOLD = 0.5


class FlickerCheck:
    """The light is steady."""

    name = "flicker"
    version = 2
    about = "fast changes of the whole picture's brightness"

    def judge(self, info: MediaInfo, expect: Expectation | None) -> Judge:
        """A fresh judge for one file."""
        return FlickerJudge(info)


class FlickerJudge:
    """Follows the brightness of most of the picture from one turning point to the next."""

    def __init__(self, info: MediaInfo) -> None:
        self._info = info
        self._before: View | None = None
        self._frames = 0
        self._level = 0.0
        self._turns: deque[tuple[float, float]] = deque(maxlen=3)
        self._extreme = (0.0, 0.0)
        self._rising = 0
        self._undone: deque[tuple[float, float]] = deque()
        self._worst = 0.0
        self._runs: list[Run] = []

    def see_frame(self, seconds: float, frame: Frame) -> None:
        from rushes.checks import views

        view, before = views.look_at(frame), self._before
        step = views.compare(before, view) if before is not None else None
        if step is None:
            self._extreme = (seconds, self._level)
            self._turns.append(self._extreme)
        else:
            self._level += step.shift
            self._follow(seconds)
        self._before = view
        self._frames += 1

    def hear_samples(self, seconds: float, samples: Samples, rate: int) -> None:
        """Sound is not looked at."""

    def give_verdict(self) -> Verdict:
        self._turn(self._extreme)
        worst = self._worst
        score = 1 / (1 + worst / LEVELS_A_SECOND) if self._frames else 0.0
        message = "the light is steady"
        if not self._frames:
            message = "there is no picture to judge"
        elif score < THRESHOLD:
            message = f"the whole picture's brightness swings by {worst:.0f} levels in a second"
        return Verdict(
            "flicker",
            score,
            THRESHOLD,
            message,
            make_spans(self._runs, self._info) if score < THRESHOLD else (),
            {"worst_levels_per_second": worst, "frames": self._frames},
        )

    def _follow(self, seconds: float) -> None:
        """Move the extreme along, or turn when brightness has come back from it by more than
        noise."""
        step = self._level - self._extreme[1]
        if self._rising == 0:
            if abs(step) > NOISE_LEVELS:
                self._rising = 1 if step > 0 else -1
                self._extreme = (seconds, self._level)
        elif step * self._rising >= 0:
            if step != 0:
                self._extreme = (seconds, self._level)
        elif abs(step) > NOISE_LEVELS:
            self._turn(self._extreme)
            self._rising = -self._rising
            self._extreme = (seconds, self._level)

    def _turn(self, point: tuple[float, float]) -> None:
        """Count the last two swings as undone when both were fast."""
        self._turns.append(point)
        if len(self._turns) < 3:
            return
        (start, low), (middle, high), (end, back) = self._turns
        if end - middle > FAST_SECONDS:
            return
        amount = min(abs(high - low), abs(back - high))
        if amount <= NOISE_LEVELS:
            return
        self._undone.append((end, amount))
        while end - self._undone[0][0] > WINDOW_SECONDS:
            self._undone.popleft()
        amounts = [value for _, value in self._undone]
        self._worst = max(self._worst, sum(amounts) - max(amounts))
        self._mark(start if middle - start <= FAST_SECONDS else middle, end)

    def _mark(self, start: float, end: float) -> None:
        if self._runs and start <= self._runs[-1].end + FAST_SECONDS:
            self._runs[-1] = Run(self._runs[-1].start, end, "flicker")
        else:
            self._runs.append(Run(start, end, "flicker"))


CHECK = FlickerCheck()
