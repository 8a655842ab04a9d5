"""Planted defects of the picture, each beside the harmless thing that looks most like it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from planted import CLEAN, FPS, SIZE, Frames, blink, draw_disc, make_clip, pan, slide

from rushes.checks import pixels, views
from rushes.checks.base import Expectation, Verdict
from rushes.checks.registry import check_file


def judge(folder: Path, check: str, frames: Frames, expect: Expectation | None = None) -> Verdict:
    (verdict,) = check_file(make_clip(folder, frames, None), [check], expect)
    return verdict


def expect_with(count: int, **more: object) -> Expectation:
    return Expectation(count, SIZE, SIZE, FPS, False, **more)  # type: ignore[arg-type]


def tint(frame: np.ndarray, levels: object) -> np.ndarray:
    return np.clip(frame.astype(np.float32) + levels, 0, 255).round().astype(np.uint8)


def names_time(verdict: Verdict, seconds: float) -> bool:
    return any(span.start_seconds <= seconds <= span.end_seconds for span in verdict.spans)


# cut


def test_a_cut_is_found_where_it_is(tmp_path: Path) -> None:
    verdict = judge(tmp_path, "cut", slide("black", 16) + slide("white", 17))
    assert not verdict.passed
    assert names_time(verdict, 16 / FPS)
    assert verdict.evidence["cuts"] == 1


def test_flashes_fades_and_fast_pans_are_no_cuts(tmp_path: Path) -> None:
    flash = slide("grey")
    flash[12] = np.full_like(flash[0], 250)
    fade = [cv2.addWeighted(a, 1 - n / 32, b, n / 32, 0) for n, (a, b) in enumerate(
        zip(slide("black"), slide("white"), strict=True))]  # fmt: skip
    wide = np.random.default_rng(1).integers(0, 256, (8, 80, 3)).astype(np.uint8)
    wide = wide.repeat(8, 0).repeat(8, 1)
    whip = [np.ascontiguousarray(wide[:, 16 * n : 16 * n + SIZE]) for n in range(33)]
    for frames in (flash, fade, whip):
        assert judge(tmp_path, "cut", frames).passed


def test_a_film_may_cut_where_its_shots_join(tmp_path: Path) -> None:
    frames = slide("black", 16) + slide("white", 17)
    join = 16 / FPS
    for check in ("cut", "jump", "drift", "seam"):
        expect = expect_with(33, joins=((join, join),))
        assert judge(tmp_path, check, frames, expect).passed, check
    elsewhere = expect_with(33, joins=((0.4, 0.4),))
    assert not judge(tmp_path, "cut", frames, elsewhere).passed


def test_what_appears_behind_a_fade_is_no_jump(tmp_path: Path) -> None:
    """A shot that fades away changes, and does not move."""
    ground = np.full((SIZE, SIZE, 3), 8, np.uint8)
    last = draw_disc((8, 8, 8), 20, 30, 8)
    fade = [cv2.addWeighted(last, 1 - n / 5, ground, n / 5, 0) for n in range(1, 5)]
    after = [draw_disc((8, 8, 8), 20 + 2 * n, 30, 8) for n in range(14)]
    frames = [last] * 12 + fade + [ground] * 3 + after
    expect = expect_with(33, joins=((12 / FPS, 16 / FPS),))
    assert judge(tmp_path, "jump", frames, expect).passed


@pytest.mark.parametrize("part", [0.06, 0.15])
def test_what_comes_onto_an_empty_ground_is_no_jump(tmp_path: Path, part: float) -> None:
    """A shade of it comes a frame before, as where a shutter was open; then it wavers a little."""
    ground = np.full((SIZE, SIZE, 3), 8, np.uint8)
    shown = [draw_disc((8, 8, 8), 40 + 0.6 * (n % 2), 40, 12) for n in range(5)]
    shade = cv2.addWeighted(shown[0], part, ground, 1 - part, 0)
    frames = [ground] * 6 + ([shade] + shown + [shade] + [ground] * 5) * 3
    verdict = judge(tmp_path, "jump", frames, expect_with(len(frames)))
    assert verdict.passed, verdict.message


def test_content_is_measured_as_pyscenedetect_does() -> None:
    scenedetect = pytest.importorskip("scenedetect", reason="pip install scenedetect")
    detector = scenedetect.detectors.ContentDetector()
    one, two = slide("black", 1)[0], pan(1)[0]
    scores = [
        detector._calculate_frame_score(
            scenedetect.FrameTimecode(n, 16.0), np.ascontiguousarray(frame[..., ::-1])
        )
        for n, frame in enumerate((one, two))
    ]
    assert pixels.measure_content(one, two) == pytest.approx(scores[1], abs=1e-6)


# jump


@pytest.mark.parametrize("scene", ["pan", "slide"])
def test_lost_frames_fail_by_their_number(tmp_path: Path, scene: str) -> None:
    frames = pan(60) if scene == "pan" else slide("grey", 60)
    verdicts = []
    for lost in (0, 2, 10):
        verdicts.append(judge(tmp_path, "jump", frames[:20] + frames[20 + lost :]))
    scores = [verdict.score for verdict in verdicts]
    assert scores == sorted(scores, reverse=True)
    assert verdicts[0].passed
    assert not verdicts[2].passed
    assert names_time(verdicts[2], 20 / FPS)


def test_lost_frames_of_a_fast_pan_fail(tmp_path: Path) -> None:
    """All of the picture changes anyway, so only what motion does not explain can tell."""
    rng = np.random.default_rng(3)
    wide = cv2.resize(rng.integers(20, 235, (12, 60, 3)).astype(np.uint8), (600, 64))
    clean = [np.ascontiguousarray(wide[:, 7 * n : 7 * n + 64]) for n in range(60)]
    assert judge(tmp_path, "jump", clean[:33]).passed
    verdict = judge(tmp_path, "jump", clean[:16] + clean[24:48])
    assert not verdict.passed
    assert names_time(verdict, 16 / FPS)


def test_a_small_thing_that_leaps_fails_though_flow_explains_it(tmp_path: Path) -> None:
    """A fast disc changes as much with every step as where it leaps."""
    places = [12 + 5 * n for n in range(8)] + [47 - 5 * n for n in range(7)]
    places = [p for _ in range(3) for p in places][:33]
    assert judge(tmp_path, "jump", [draw_disc((95, 60, 35), x, 30, 8) for x in places]).passed
    lost = places[:14] + places[20:]
    verdict = judge(tmp_path, "jump", [draw_disc((95, 60, 35), x, 30, 8) for x in lost])
    assert not verdict.passed


def test_what_blinks_turns_or_falls_does_not_jump(tmp_path: Path) -> None:
    turns = [draw_disc((128,) * 3, 12 + 5 * abs(n % 16 - 8), 30) for n in range(33)]
    falls = [draw_disc((8,) * 3, 32, 12 + 40 * (1 - abs(1 - n / 5 % 2) ** 2)) for n in range(33)]
    for frames in (turns, falls, blink("black"), blink("white", period=0.54)):
        assert judge(tmp_path, "jump", frames).passed


# flicker


def test_flicker_is_found_under_motion_too(tmp_path: Path) -> None:
    clean = pan(60)
    shaken = [tint(f, 8 * (-1) ** n) for n, f in enumerate(clean)]
    assert judge(tmp_path, "flicker", clean).score > 0.9
    assert not judge(tmp_path, "flicker", shaken).passed


def test_stripes_that_pass_are_not_flicker(tmp_path: Path) -> None:
    """More than half of the picture turns dark and light again, but by motion."""
    columns = np.arange(400) // 48 % 2 * 120 + 60
    wide = np.broadcast_to(columns[None, :, None], (SIZE, 400, 3)).astype(np.uint8)
    frames = [np.ascontiguousarray(wide[:, 6 * n : 6 * n + SIZE]) for n in range(50)]
    assert judge(tmp_path, "flicker", frames).passed


# drift and seam


@pytest.mark.parametrize("scene", ["slide-grey", "pan"])
def test_colours_that_wander_fail_by_how_far(tmp_path: Path, scene: str) -> None:
    frames, scores = CLEAN[scene], []
    for levels in (0, 15, 60, 90):
        drifted = [tint(f, [-levels * n / 32, 0, 0]) for n, f in enumerate(frames)]
        scores.append(judge(tmp_path, "drift", drifted))
    assert [v.passed for v in scores] == [True, True, False, False]
    assert "red" in scores[-1].message


def test_a_camera_that_turns_to_something_darker_does_not_drift(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    wide = rng.integers(0, 60, (8, 30, 3)) + np.linspace(190, 0, 30).astype(int)[None, :, None]
    wide = wide.astype(np.uint8).repeat(8, 0).repeat(8, 1)
    frames = [np.ascontiguousarray(wide[:, 5 * n : 5 * n + SIZE]) for n in range(33)]
    assert judge(tmp_path, "drift", frames).passed


def test_a_lasting_step_is_a_seam_and_a_flash_is_none(tmp_path: Path) -> None:
    frames = pan()
    stepped = frames[:16] + [tint(f, [-20, -10, 0]) for f in frames[16:]]
    verdict = judge(tmp_path, "seam", stepped)
    assert not verdict.passed
    assert names_time(verdict, 16 / FPS)
    flash = [*frames[:16], tint(frames[16], -40), *frames[17:]]
    faded = [tint(f, -2 * n) for n, f in enumerate(frames)]
    for harmless in (frames, flash, faded):
        assert judge(tmp_path, "seam", harmless).passed


def test_a_known_seam_is_judged_more_strictly_and_nothing_else_is(tmp_path: Path) -> None:
    frames = slide("grey")
    stepped = frames[:16] + [tint(f, -4) for f in frames[16:]]
    assert judge(tmp_path, "seam", stepped).passed
    assert not judge(tmp_path, "seam", stepped, expect_with(33, seams=(1.0,))).passed
    assert judge(tmp_path, "seam", stepped, expect_with(33, seams=(0.5,))).passed


# sharpness and banding


@pytest.mark.parametrize("scene", ["slide-white", "pan", "pulse-black"])
def test_blur_fails_by_its_radius(tmp_path: Path, scene: str) -> None:
    verdicts = [
        judge(
            tmp_path,
            "sharpness",
            [cv2.GaussianBlur(f, (0, 0), r) if r else f for f in CLEAN[scene]],
        )
        for r in (0, 0.8, 4)
    ]
    assert [v.passed for v in verdicts] == [True, True, False]


def test_a_blurred_background_and_an_empty_picture_are_sharp_enough(tmp_path: Path) -> None:
    behind = [cv2.GaussianBlur(f, (0, 0), 5) for f in pan()]
    for n, frame in enumerate(behind):
        cv2.rectangle(frame, (n, 10), (n + 24, 50), (240, 230, 40), -1)
    assert judge(tmp_path, "sharpness", behind).passed
    verdict = judge(tmp_path, "sharpness", [np.full((SIZE, SIZE, 3), 90, np.uint8)] * 8)
    assert verdict.passed
    assert "no edges" in verdict.message


def test_bands_fail_and_a_smooth_gradient_does_not() -> None:
    from rushes.checks.edges import share_banded

    ramp = np.linspace(40, 200, 480)[None, :, None]
    smooth = np.broadcast_to(ramp, (270, 480, 3)).round().astype(np.uint8)
    banded = (smooth // 8 * 8).astype(np.uint8)
    assert share_banded(smooth) < 0.02
    assert share_banded(banded) > 0.5
    steps = np.broadcast_to((np.arange(480) // 60 * 25)[None, :, None], (270, 480, 3))
    assert share_banded(steps.astype(np.uint8)) == 0.0  # a drawn colour chart


# bars and loops


@pytest.mark.parametrize("across", [False, True])
def test_bars_fail_and_a_dark_scene_does_not(tmp_path: Path, across: bool) -> None:
    frames = [f.copy() for f in pan()]
    for frame in frames:
        view = frame.transpose(1, 0, 2) if across else frame
        view[:8] = 0
        view[-8:] = 0
    verdict = judge(tmp_path, "black", frames)
    assert not verdict.passed
    assert verdict.evidence["bars_share"] == pytest.approx(0.25, abs=0.04)
    assert "bars" in verdict.message
    for scene in ("slide-black", "pulse-black", "pan"):
        assert judge(tmp_path, "black", CLEAN[scene]).evidence["bars_share"] == 0.0


def test_a_loop_with_a_break_fails_and_a_swing_does_not(tmp_path: Path) -> None:
    frames = pan(60)
    looped = [frames[n % 11] for n in range(55)]
    verdict = judge(tmp_path, "frozen", looped)
    assert not verdict.passed
    assert "repeat" in verdict.message
    assert any(span.note == "repeats" for span in verdict.spans)
    there_and_back = [frames[abs(n % 20 - 10)] for n in range(61)]
    for harmless in (there_and_back, slide("grey", 116), blink("grey", 80)):
        assert judge(tmp_path, "frozen", harmless).passed


# what all share


def test_one_flow_serves_all_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = views._measure, []

    def count(before: views.View, after: views.View) -> views.Step:
        calls.append(1)
        return real(before, after)

    monkeypatch.setattr(views, "_measure", count)
    check_file(make_clip(tmp_path, pan(), None), ["flicker", "jump", "drift", "seam", "sync"])
    assert len(calls) == 32


def test_scores_are_the_same_twice(tmp_path: Path) -> None:
    path = make_clip(tmp_path, pan(), None)
    assert check_file(path, ["default", "sharpness"]) == check_file(path, ["default", "sharpness"])


@pytest.mark.parametrize("size", [(2, 2), (16, 2), (2, 400), (700, 18)])
def test_odd_sizes_are_judged(tmp_path: Path, size: tuple[int, int]) -> None:
    from fractions import Fraction

    from rushes.media import ExportFormat, encode_clip

    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (*size, 3)).astype(np.uint8) for _ in range(12)]
    path = tmp_path / "odd.mkv"
    encode_clip(iter(frames), Fraction(12), None, 0, path, ExportFormat("mkv", audio_codec="opus"))
    names = ["default", "sharpness", "banding"]
    assert all(0 <= verdict.score <= 1 for verdict in check_file(path, names))
