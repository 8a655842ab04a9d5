"""cut: another scene begins inside a shot.

Measured as PySceneDetect's content detector does: the mean change of hue, saturation and value
between neighbours. As in its adaptive detector, a cut must also stand out from its neighbours, so
that fast motion is none; and a change that is undone at once is a flash, which is flicker's.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from rushes.checks.base import Expectation, Judge, Span, Verdict
from rushes.checks.judging import HALF, NO_PICTURE, PictureJudge, rate_excess
from rushes.checks.timeline import frame_seconds_of, is_joined, within

if TYPE_CHECKING:
    from rushes.checks.base import Frame
    from rushes.checks.views import View
    from rushes.media import MediaInfo

CONTENT = 27.0
"""Mean change of hue (0 to 180), saturation and value: the content detector's default threshold."""
STANDS_OUT = 3.0
"""Times the mean of two neighbours on either side: the adaptive detector's default."""
NEIGHBOURS = 2
CHANGED_SHARE = 0.25
"""At a cut, this much of the picture changes plainly; a thing that blinks is smaller."""
FLASH_SECONDS = 0.25
"""A change that is gone after this was a flash."""
MAX_SPANS = 20
THRESHOLD = HALF


class CutCheck:
    """One scene from beginning to end."""

    name = "cut"
    version = 2
    about = "scene cuts inside a shot"

    def judge(self, info: MediaInfo, expect: Expectation | None) -> Judge:
        """A fresh judge for one file."""
        return CutJudge(info, expect)


class _Candidate:
    """A large change whose surroundings are still being seen."""

    def __init__(self, seconds: float, before: View, content: float, share: float) -> None:
        self.seconds, self.before, self.content, self.share = seconds, before, content, share
        self.kept = content
        self.neighbours: list[float] = []


class CutJudge(PictureJudge):
    """Keeps one view, four values, and the candidates of the last quarter of a second."""

    def __init__(self, info: MediaInfo, expect: Expectation | None) -> None:
        self._info = info
        self._joins = expect.joins if expect is not None else ()
        self._step = frame_seconds_of(info)
        self._last: View | None = None
        self._recent: deque[float] = deque(maxlen=NEIGHBOURS)
        self._open: list[_Candidate] = []
        self._strength = 0.0
        self._largest = 0.0
        self._cuts: list[float] = []
        self._count = 0
        self._frames = 0

    def see_frame(self, seconds: float, frame: Frame) -> None:
        from rushes.checks import pixels, views

        view, before = views.look_at(frame), self._last
        self._last = view
        self._frames += 1
        if before is None or before.rgb.shape != view.rgb.shape:
            return
        content = pixels.measure_content(before.rgb, view.rgb)
        returned = False
        for candidate in list(self._open):
            if len(candidate.neighbours) < 2 * NEIGHBOURS:
                candidate.neighbours.append(content)
            away = pixels.measure_content(candidate.before.rgb, view.rgb)
            candidate.kept = min(candidate.kept, away)
            returned = returned or 2 * away < min(content, candidate.content)
            if seconds - candidate.seconds >= FLASH_SECONDS:
                self._close(candidate)
        joined = is_joined(seconds, self._joins, self._step)
        if content >= CONTENT / 2 and not returned and not joined:
            candidate = _Candidate(
                seconds, before, content, pixels.share_changed(before.rgb, view.rgb)
            )
            candidate.neighbours = list(self._recent)
            self._open = [*self._open[-4:], candidate]
        self._recent.append(content)
        self._largest = max(self._largest, content)

    def give_verdict(self) -> Verdict:
        for candidate in list(self._open):
            self._close(candidate)
        score = rate_excess(self._strength, 1.0) if self._frames else 0.0
        message = "one scene from beginning to end"
        if not self._frames:
            message = NO_PICTURE
        elif self._count:
            times = ", ".join(f"{seconds:.2f} s" for seconds in self._cuts[:5])
            message = f"another scene begins at {times}"
        spans = (Span(max(0.0, at - self._step), at + self._step, "cut") for at in self._cuts)
        evidence: dict[str, float | int | str] = {
            "cuts": self._count,
            "largest_content": self._largest,
            "frames": self._frames,
        }
        return Verdict("cut", score, THRESHOLD, message, within(spans, self._info), evidence)

    def _close(self, candidate: _Candidate) -> None:
        """A cut is as strong as the weakest of what makes it one."""
        self._open.remove(candidate)
        mean = sum(candidate.neighbours) / max(1, len(candidate.neighbours))
        stands_out = candidate.content / max(mean, 1.0) / STANDS_OUT
        strength = min(
            candidate.content / CONTENT,
            stands_out,
            2 * candidate.kept / CONTENT,
            candidate.share / CHANGED_SHARE,
        )
        self._strength = max(self._strength, strength)
        if strength > 1:
            self._count += 1
            if len(self._cuts) < MAX_SPANS:
                self._cuts.append(candidate.seconds)


CHECK = CutCheck()
