"""What judges share that look at a few frames of a clip, chosen by content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rushes.checks.judging import PictureJudge
from rushes.checks.timeline import frame_seconds_of

if TYPE_CHECKING:
    from rushes.checks.base import Frame
    from rushes.media import MediaInfo


class ChoosingJudge(PictureJudge):
    """Keeps at most ``most`` frames; numpy is first imported when one is seen."""

    def __init__(self, info: MediaInfo, most: int) -> None:
        self._info = info
        self._most = most
        self._step = frame_seconds_of(info)
        self._chooser: object | None = None
        self._frames = 0
        self._end = 0.0

    def see_frame(self, seconds: float, frame: Frame) -> None:
        from rushes.checks.chosen_frames import FrameChooser

        if not isinstance(self._chooser, FrameChooser):
            self._chooser = FrameChooser(self._most)
        self._chooser.see(seconds, frame)
        self._frames += 1
        self._end = seconds + self._step
