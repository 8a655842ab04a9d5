"""jump: motion breaks off and goes on elsewhere, as where frames were lost.

What changes from one frame to the next is compared with what changes around it. A jump is one step
that is far larger than its neighbours while things move on both sides of it; what appears or blinks
while all else rests is none, and neither is a step among others as large. On a plain ground the way
of what stands on it is followed as well: flow explains away what leaps from one place to another.
Next to an empty ground what changes comes or goes; where the plan joins two shots nothing is
compared: what fades away changes and does not move.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rushes.checks.base import Expectation, Judge, Span, Verdict
from rushes.checks.judging import HALF, NO_PICTURE, PictureJudge, rate_excess
from rushes.checks.timeline import frame_seconds_of, is_joined, within

if TYPE_CHECKING:
    from rushes.checks.base import Frame
    from rushes.checks.things import Place
    from rushes.checks.views import View
    from rushes.media import MediaInfo

SIDE = 3
"""Steps on either side that one is compared with: a fifth of a second at 16 fps."""
MOVING_LEVELS = 0.1
"""Mean change beyond noise of something that moves: a disc of a tenth of the picture's height that
creeps by half a pixel; what codecs redraw of a still is 0.0."""
MOVING_PIXELS = 0.15
"""Mean length of the flow, in pixels of a view, above which a camera moves."""
EXPLAINED = 0.15
"""Following motion leaves this share of a change at least: edges, grain, what comes into view."""
EXPLAINED_CAMERA = 0.05
"""The same where no plain ground is seen: of a texture that a camera goes over, flow leaves less,
and what changes cannot grow much, since all of it changes anyway."""
WHOLE = 0.7
"""The least share of a thing's size that it keeps while its way is followed: what comes into the
picture, leaves it or blinks changes more."""
MOVING_STEP = 0.5
"""Pixels of a view that a thing goes from frame to frame, at least, where its way is followed."""
TIMES = 2.8
"""A step of more than so many times its largest neighbour fails."""
MAX_SPANS = 20
THRESHOLD = HALF


class JumpCheck:
    """Motion goes on without a break."""

    name = "jump"
    version = 5
    about = "motion that breaks off between two frames"

    def judge(self, info: MediaInfo, expect: Expectation | None) -> Judge:
        """A fresh judge for one file."""
        return JumpJudge(info, expect)


@dataclass(frozen=True, slots=True)
class _Measured:
    seconds: float
    change: float
    residual: float
    travel: float
    joined: bool
    place: Place
    way: float


class JumpJudge(PictureJudge):
    """Keeps one view and the measures of seven steps."""

    def __init__(self, info: MediaInfo, expect: Expectation | None) -> None:
        self._info = info
        self._joins = expect.joins if expect is not None else ()
        self._step = frame_seconds_of(info)
        self._last: View | None = None
        self._place: Place | None = None
        self._recent: deque[_Measured] = deque(maxlen=2 * SIDE + 1)
        self._frames = 0
        self._worst = 0.0
        self._jumps: list[float] = []

    def see_frame(self, seconds: float, frame: Frame) -> None:
        from rushes.checks import things, views

        view, before = views.look_at(frame), self._last
        self._last = view
        place, was = things.locate(view), self._place
        self._place = place
        self._frames += 1
        step = views.compare(before, view) if before is not None else None
        if step is None or was is None:
            return
        joined = is_joined(seconds, self._joins, self._step)
        way = math.hypot(place.x - was.x, place.y - was.y)
        self._recent.append(
            _Measured(seconds, step.change, step.residual, step.travel, joined, place, way)
        )
        if len(self._recent) == 2 * SIDE + 1:
            self._judge_middle()

    def give_verdict(self) -> Verdict:
        score = rate_excess(self._worst, TIMES) if self._frames else 0.0
        message = "motion goes on without a break"
        if not self._frames:
            message = NO_PICTURE
        elif self._jumps:
            times = ", ".join(f"{seconds:.2f} s" for seconds in self._jumps[:5])
            message = f"motion breaks off at {times}"
        spans = (Span(max(0.0, at - self._step), at + self._step, "jump") for at in self._jumps)
        evidence: dict[str, float | int | str] = {
            "worst_times_neighbours": self._worst,
            "frames": self._frames,
        }
        return Verdict("jump", score, THRESHOLD, message, within(spans, self._info), evidence)

    def _judge_middle(self) -> None:
        steps = list(self._recent)
        middle, before, after = steps[SIDE], steps[:SIDE], steps[SIDE + 1 :]
        before, after = ([s for s in side if not s.joined] for side in (before, after))
        if middle.joined or not before or not after:
            return
        if any(s.place.plain and not s.place.known for s in (*before, middle, *after)):
            return
        times = max(
            _rate_change(middle, before, after),
            _rate_travel(middle, before, after),
            _rate_way(middle, before, after),
        )
        self._worst = max(self._worst, times)
        if times > TIMES and len(self._jumps) < MAX_SPANS:
            self._jumps.append(middle.seconds)


def _rate_change(middle: _Measured, before: list[_Measured], after: list[_Measured]) -> float:
    """Times that more changes than around it, by the change and by what motion does not explain."""
    sides = max(s.change for s in before), max(s.change for s in after)
    if min(sides) < MOVING_LEVELS:
        return 0.0
    unexplained = max(s.residual for s in (*before, *after))
    textured = not any(s.place.plain for s in (*before, middle, *after))
    explained = EXPLAINED_CAMERA if textured else EXPLAINED
    by_residual = middle.residual / max(unexplained, explained * max(sides))
    return math.sqrt(middle.change / max(sides) * by_residual)


def _rate_travel(middle: _Measured, before: list[_Measured], after: list[_Measured]) -> float:
    """Times that the camera goes farther than around it."""
    sides = max(s.travel for s in before), max(s.travel for s in after)
    return middle.travel / max(sides) if min(sides) >= MOVING_PIXELS else 0.0


def _rate_way(middle: _Measured, before: list[_Measured], after: list[_Measured]) -> float:
    """Times that what stands on a plain ground goes farther than around it, whole all the while."""
    steps = (*before, middle, *after)
    shares = [s.place.share for s in steps]
    if not all(math.isfinite(s.way) for s in steps) or min(shares) < WHOLE * max(shares):
        return 0.0
    sides = max(s.way for s in before), max(s.way for s in after)
    return middle.way / max(sides) if min(sides) >= MOVING_STEP else 0.0


CHECK = JumpCheck()
