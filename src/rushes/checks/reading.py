"""Writing in frames, read by RapidOCR's bundled PP-OCRv6 models, against what was asked for.

The models are opened from the package's own files, on one thread; nothing is downloaded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import cache
from typing import Any

import cv2
import numpy as np

from rushes.checks.chosen_frames import Chosen, Pixels
from rushes.checks.packages import find_inside
from rushes.checks.quotes import split_words

LINES = (320, 480)
"""Frames are scaled to at least and at most so many lines: smaller letters are not found, larger
pictures take longer and read no better."""
LEAST_LETTERS = 2
"""A single letter is what OCR takes discs and bars for."""
ALIKE = 0.8
"""A line so like what was asked for (0 to 1) may be misread by OCR itself ..."""
SURE = 0.9
"""... unless OCR is as sure as this: then it is misspelt."""
GARBLED = 0.5
"""Less alike, it has nothing to do with what was asked for."""
SUBTITLE_TOP = 0.66
"""Subtitles stand below this height of the picture, about its middle."""
OFF_MIDDLE = 0.15
_FOLD = str.maketrans("01i5", "olls")
"""Letters that even people confuse count as equal."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of writing.

    Args:
        box: left, top, right, bottom as shares of the picture.
        certainty: that it is writing at all, 0 to 1.
        sure: that it was read right, 0 to 1.
        garbled: it is nearly what was asked for.
    """

    seconds: float
    text: str
    box: tuple[float, float, float, float]
    certainty: float
    sure: float
    garbled: bool = False

    def overlaps(self, other: Line) -> bool:
        """Whether both stand at the same place."""
        left, top, right, bottom = self.box
        return (
            left < other.box[2]
            and other.box[0] < right
            and top < other.box[3]
            and other.box[1] < bottom
        )

    def describe(self) -> str:
        """What kind of unwanted writing it is."""
        left, top, right, bottom = self.box
        if self.garbled:
            return "garbled writing"
        middle = abs((left + right) / 2 - 0.5) <= OFF_MIDDLE
        return "a subtitle" if middle and (top + bottom) / 2 >= SUBTITLE_TOP else "writing"


def read_frames(chosen: Sequence[Chosen]) -> list[Line]:
    """All lines of the frames that are surely or probably writing, frame by frame."""
    return [line for each in chosen for line in _read(each)]


def find_unwanted(lines: Sequence[Line], asked: Sequence[str]) -> list[Line]:
    """Lines that were not asked for, each marked where it is garbled."""
    wanted = [_fold(words) for words in asked]
    found: list[Line] = []
    for line in lines:
        folded = _fold(line.text)
        likeness = max((_compare(folded, words) for words in wanted), default=0.0)
        if likeness == 1.0 or (likeness >= ALIKE and line.sure < SURE):
            continue
        found.append(replace(line, garbled=likeness >= GARBLED))
    return found


def _fold(text: str) -> str:
    return "".join(split_words(text)).translate(_FOLD)


def _compare(line: str, words: str) -> float:
    """How much of the line is in the words, 0 to 1, whole where one is in the other."""
    if not line or not words:
        return 0.0
    if line in words or (words in line and len(words) > 0.8 * len(line)):
        return 1.0
    blocks = SequenceMatcher(None, line, words, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / max(len(line), min(len(words), len(line)))


def _read(chosen: Chosen) -> list[Line]:
    frame = _scale(chosen.frame)
    read = _open_reader()(frame[..., ::-1])
    height, width = frame.shape[:2]
    if read.txts is None or read.boxes is None:
        return []
    found: list[Line] = []
    for text, sure, box in zip(read.txts, read.scores, read.boxes, strict=True):
        letters = len(re.findall(r"[^\W_]", text))
        if letters < LEAST_LETTERS:
            continue
        (left, top), (right, bottom) = np.min(box, axis=0), np.max(box, axis=0)
        place = (left / width, top / height, right / width, bottom / height)
        certainty = 1 - (1 - float(sure)) ** (letters - 1)  # each letter is one more witness
        found.append(
            Line(chosen.seconds, text.strip(), tuple(map(float, place)), certainty, float(sure))  # type: ignore[arg-type]
        )
    return found


def _scale(frame: Pixels) -> Pixels:
    lines = min(frame.shape[:2])
    scale = min(max(lines, LINES[0]), LINES[1]) / lines
    if scale == 1:
        return frame
    size = (round(frame.shape[1] * scale), round(frame.shape[0] * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(frame, size, interpolation=how), dtype=np.uint8)


@cache
def _open_reader() -> Any:
    """RapidOCR on its bundled models, without the one that turns lines round."""
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.text_score": 0.0,
            "Global.use_cls": False,
            "Global.log_level": "error",
            "Global.max_side_len": 4096,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "Det.limit_type": "max",
            "Det.limit_side_len": 4096,
            "Det.model_path": str(find_inside("rapidocr", "models/PP-OCRv6_det_small.onnx")),
            "Rec.model_path": str(find_inside("rapidocr", "models/PP-OCRv6_rec_small.onnx")),
        }
    )
