"""text: writing in the picture that the prompt did not ask for, or that is garbled.

A bounded number of frames, chosen by content, are read by OCR. What the prompt quotes to be read is
allowed; everything else that is surely writing is unwanted: subtitles, logos, and letters that are
nearly what was asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rushes.checks.base import Expectation, Judge, Span, Verdict
from rushes.checks.choosing import ChoosingJudge
from rushes.checks.judging import HALF, NO_PICTURE
from rushes.checks.timeline import within

if TYPE_CHECKING:
    from rushes.checks.reading import Line
    from rushes.media import MediaInfo

MOST_FRAMES = 6
"""So many are read at most, however long the clip is: reading takes 0.3 s to 1 s a frame."""
LEAST_FRAMES = 2
"""Writing stays for a while: what one frame alone of several shows counts for half."""
THRESHOLD = HALF
MAX_SHOWN = 5


class TextCheck:
    """No writing but what was asked for."""

    name = "text"
    version = 1
    about = "writing that the prompt did not ask for, or that is garbled"
    packages = ("rapidocr", "onnxruntime", "pyclipper", "shapely")
    extra = "rushes[text]"
    reads_prompt = True

    def judge(self, info: MediaInfo, expect: Expectation | None) -> Judge:
        """A fresh judge for one file."""
        return TextJudge(info, expect)


class TextJudge(ChoosingJudge):
    """Keeps the frames that are read, at most ``MOST_FRAMES``."""

    def __init__(self, info: MediaInfo, expect: Expectation | None) -> None:
        super().__init__(info, MOST_FRAMES)
        self._prompts = expect.prompts if expect is not None else ()

    def give_verdict(self) -> Verdict:
        from rushes.checks.chosen_frames import FrameChooser
        from rushes.checks.quotes import list_written
        from rushes.checks.reading import find_unwanted, read_frames

        if not isinstance(self._chooser, FrameChooser):
            return Verdict("text", 0.0, THRESHOLD, NO_PICTURE)
        chosen = self._chooser.choose()
        lines = read_frames(chosen)
        unwanted = find_unwanted(lines, list_written(self._prompts))
        worst = _weigh(unwanted, len(chosen))
        score = 1 - worst
        failed = score < THRESHOLD
        ends = [each.seconds for each in chosen[1:]] + [self._end]
        until = dict(zip((each.seconds for each in chosen), ends, strict=True))
        spans = [Span(line.seconds, until[line.seconds], line.describe()) for line in unwanted]
        return Verdict(
            "text",
            score,
            THRESHOLD,
            _describe(unwanted, len(lines)) if failed else _describe([], len(lines)),
            within(spans, self._info) if failed else (),
            {
                "unwanted": "; ".join(dict.fromkeys(line.text for line in unwanted))[:200],
                "certainty": worst,
                "lines": len(lines),
                "frames_read": len(chosen),
                "frames": self._frames,
            },
        )


def _weigh(unwanted: list[Line], frames: int) -> float:
    """How surely there is unwanted writing, 0 to 1: once for each place, in two frames or more."""
    worst = 0.0
    for line in unwanted:
        seen = {other.seconds for other in unwanted if line.overlaps(other)}
        alone = len(seen) < min(LEAST_FRAMES, frames)
        worst = max(worst, line.certainty / 2 if alone else line.certainty)
    return min(1.0, worst)


def _describe(unwanted: list[Line], lines: int) -> str:
    if not unwanted:
        return "what is written was asked for" if lines else "nothing is written"
    said = dict.fromkeys(f"{line.describe()} “{line.text}”" for line in unwanted)
    return "there is " + ", ".join(list(said)[:MAX_SHOWN])


CHECK = TextCheck()
