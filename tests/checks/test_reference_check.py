"""The check reference: given pictures, kept or not."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from planted import CLEAN, FPS, SIZE, draw_disc, make_clip

from rushes.checks.base import Expectation, Verdict
from rushes.checks.registry import check_file
from rushes.errors import UsageError

CLIP = CLEAN["slide-grey"]


def judge(folder: Path, picture: NDArray[np.uint8], at: int) -> Verdict:
    path = folder / "given.png"
    cv2.imwrite(str(path), picture[..., ::-1])
    expect = Expectation(33, SIZE, SIZE, FPS, False, pictures=((at, path),))
    (verdict,) = check_file(make_clip(folder, CLIP, None), ["reference"], expect)
    return verdict


@pytest.mark.parametrize("at", [0, 16, 32])
def test_a_picture_that_is_kept_passes(tmp_path: Path, at: int) -> None:
    soft = cv2.GaussianBlur(CLIP[at], (0, 0), 1.0)
    assert judge(tmp_path, soft, at).passed


@pytest.mark.parametrize(
    "other",
    [
        CLIP[0][..., ::-1],
        draw_disc((128, 128, 128), 10, 50),
        draw_disc((245, 245, 245), 32, 30),
        np.full((SIZE, SIZE, 3), 128, np.uint8),
    ],
    ids=["colour", "place", "ground", "nothing"],
)
def test_another_picture_fails(tmp_path: Path, other: NDArray[np.uint8]) -> None:
    verdict = judge(tmp_path, other, 0)
    assert not verdict.passed
    assert verdict.spans


def test_a_wider_picture_is_cut_as_models_cut_it(tmp_path: Path) -> None:
    wide = np.concatenate([np.full((SIZE, 40, 3), 30, np.uint8)] * 2, axis=1)
    assert judge(tmp_path, np.concatenate([wide[:, :40], CLIP[0], wide[:, :40]], axis=1), 0).passed


def test_of_a_reference_only_colours_are_looked_for(tmp_path: Path) -> None:
    white = (250, 250, 250)
    assert judge(tmp_path, draw_disc(white, 20, 40, 20), -1).passed
    blue = draw_disc(white, 20, 40, 20)[..., ::-1]
    assert not judge(tmp_path, blue, -1).passed


def test_a_frame_that_never_comes_and_no_picture_at_all(tmp_path: Path) -> None:
    assert judge(tmp_path, CLIP[0], 80).score == 0
    with pytest.raises(UsageError, match="reference"):
        check_file(make_clip(tmp_path, CLIP, None), ["reference"])
