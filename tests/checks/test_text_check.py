"""The check text, by its real model, on stills (which are read once)."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from rushes.checks.base import Expectation, Verdict
from rushes.checks.registry import check_file
from rushes.media import FrameWriter

pytest.importorskip("rapidocr")


def judge(folder: Path, text: str, row: int, prompt: str | None) -> Verdict:
    frame = np.full((240, 426, 3), (70, 90, 80), np.uint8)
    if text:
        cv2.putText(frame, text, (90, row), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (250,) * 3, 2)
    with FrameWriter(folder / "clip.mkv", 426, 240, 16) as writer:
        for _ in range(8):
            writer.write(frame)
    prompts = () if prompt is None else (prompt,)
    expect = Expectation(8, 426, 240, 16, False, prompts=prompts)
    (verdict,) = check_file(folder / "clip.mkv", ["text"], expect)
    return verdict


def test_a_subtitle_that_nobody_asked_for_is_found_and_twice_the_same(tmp_path: Path) -> None:
    verdict = judge(tmp_path, "and then she said", 220, 'a shop with a sign "OPEN"')
    assert not verdict.passed
    assert "subtitle" in verdict.message
    assert "then she said" in verdict.message
    assert verdict.spans
    assert judge(tmp_path, "and then she said", 220, 'a shop with a sign "OPEN"') == verdict


def test_what_the_prompt_quotes_may_be_written_and_nothing_need_be(tmp_path: Path) -> None:
    assert judge(tmp_path, "HOT DEALS", 120, 'a shop with a sign that says "Hot deals"').passed
    nothing = judge(tmp_path, "", 0, None)
    assert nothing.passed
    assert nothing.evidence["frames_read"] == 1


def test_what_is_nearly_what_was_asked_for_is_garbled(tmp_path: Path) -> None:
    verdict = judge(tmp_path, "HOT DEVLSA", 120, 'a shop with a sign that says "Hot deals"')
    assert not verdict.passed
    assert "garbled" in verdict.message
