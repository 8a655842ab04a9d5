"""Planted defects: what is plain to a viewer fails, what is hardly there passes, and a stronger
defect never scores higher."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from planted import (
    FPS,
    GROUNDS,
    RATE,
    SIZE,
    Frames,
    Wave,
    blink,
    draw_disc,
    make_beeps,
    make_clip,
    make_tone,
    pan,
    slide,
)

from rushes.checks.base import Expectation, Verdict
from rushes.checks.registry import DEFAULT, check_file
from rushes.media import AudioWriter, ExportFormat, FrameWriter, encode_clip, export_clip, probe


def judge(
    folder: Path,
    check: str,
    frames: Frames | None = None,
    wave: Wave | None = None,
    crf: int = 18,
    expect: Expectation | None = None,
) -> Verdict:
    path = make_clip(folder, slide("grey") if frames is None else frames, wave, crf)
    (verdict,) = check_file(path, [check], expect)
    return verdict


def require_falling(verdicts: list[Verdict], passing: int) -> None:
    """Scores fall with strength; the first ``passing`` pass and no other."""
    scores = [verdict.score for verdict in verdicts]
    assert scores == sorted(scores, reverse=True), scores
    assert [verdict.passed for verdict in verdicts] == [n < passing for n in range(len(verdicts))]


def covers(verdict: Verdict, start: float, end: float) -> bool:
    return any(
        abs(span.start_seconds - start) < 0.15 and abs(span.end_seconds - end) < 0.15
        for span in verdict.spans
    )


def fill(level: int) -> np.ndarray:
    return np.full((SIZE, SIZE, 3), level, np.uint8)


# black


@pytest.mark.parametrize("level", [0, 16, 245])
def test_dropouts_fail_by_their_share(tmp_path: Path, level: int) -> None:
    verdicts = []
    for lost in (0, 1, 4, 16, 33):
        frames = slide("grey")
        frames[8 : 8 + lost] = [fill(level)] * min(lost, 25) if lost < 33 else []
        frames = [fill(level)] * 33 if lost == 33 else frames
        verdicts.append(judge(tmp_path, "black", frames))
    require_falling(verdicts, passing=1)
    assert covers(verdicts[3], 8 / FPS, 24 / FPS)
    assert verdicts[3].evidence["lost_seconds"] == pytest.approx(1.0, abs=0.01)
    assert (verdicts[3].evidence["black_seconds"] > 0) == (level < 32)


@pytest.mark.parametrize("ground", GROUNDS)
def test_an_object_that_never_comes_back_fails(tmp_path: Path, ground: str) -> None:
    frames = slide(ground)
    frames[14:] = [fill(GROUNDS[ground][0])] * 19
    verdict = judge(tmp_path, "black", frames)
    assert not verdict.passed
    assert covers(verdict, 14 / FPS, 33 / FPS)


def test_a_fade_from_black_in_a_long_clip_passes(tmp_path: Path) -> None:
    frames = pan(60) * 4
    for n in range(4):
        frames[n] = (frames[n] * (n / 16)).astype(np.uint8)
    assert judge(tmp_path, "black", frames).passed


# frozen


def test_freezes_fail_by_their_length(tmp_path: Path) -> None:
    verdicts = []
    for still in (0, 10, 20, 28, 33):
        frames = pan()
        frames[33 - still :] = [frames[33 - still]] * still if still else []
        verdicts.append(judge(tmp_path, "frozen", frames))
    require_falling(verdicts, passing=2)
    assert covers(verdicts[2], 13 / FPS, 33 / FPS)


@pytest.mark.parametrize("crf", [10, 18, 28])
@pytest.mark.parametrize("scene", ["slide", "pan"])
def test_a_still_fails_however_it_is_encoded(tmp_path: Path, crf: int, scene: str) -> None:
    frame = pan(1)[0] if scene == "pan" else slide("white")[3]
    verdict = judge(tmp_path, "frozen", [frame] * 33, crf=crf)
    assert verdict.score == 0


@pytest.mark.parametrize("repeats", [True, False])
def test_grain_over_a_still_is_no_movement(tmp_path: Path, repeats: bool) -> None:
    rng = np.random.default_rng(0)
    scene = pan(1)[0].astype(int)
    grainy = [np.clip(scene + rng.normal(0, 4, scene.shape), 0, 255) for _ in range(33)]
    frames = [f.astype(np.uint8) for f in (grainy[:1] * 33 if repeats else grainy)]
    assert not judge(tmp_path, "frozen", frames).passed


def test_a_slow_drift_is_movement(tmp_path: Path) -> None:
    creep = [draw_disc(GROUNDS["grey"], 20 + 0.15 * n, 30) for n in range(48)]
    dawn = [(f * (0.4 + n / 80)).astype(np.uint8) for n, f in enumerate([pan(1)[0]] * 48)]
    for frames in (creep, dawn):
        assert judge(tmp_path, "frozen", frames).passed


def test_small_and_periodic_motions_are_movement(tmp_path: Path) -> None:
    speck = [draw_disc(GROUNDS["black"], 20 + 0.5 * n, 30, 2) for n in range(33)]
    shake = [draw_disc(GROUNDS["grey"], 30 + 3 * (n // 2 % 4), 30) for n in range(33)]
    for frames in (speck, shake):
        assert judge(tmp_path, "frozen", frames).score == 1


def test_a_long_freeze_fails_a_long_clip(tmp_path: Path) -> None:
    verdicts = []
    for still in (0.5, 2.0, 4.0):
        frames = slide("grey", 300)
        frames[40 : 40 + int(still * FPS)] = [frames[40]] * int(still * FPS)
        verdicts.append(judge(tmp_path, "frozen", frames))
    require_falling(verdicts, passing=2)


# flicker


@pytest.mark.parametrize("ground", ["grey", "white"])
def test_strobing_fails_by_its_depth(tmp_path: Path, ground: str) -> None:
    verdicts = []
    for depth in (0, 1, 6, 20, 80):
        frames = [
            np.clip(f.astype(int) - depth * (n % 2), 0, 255).astype(np.uint8)
            for n, f in enumerate(slide(ground))
        ]
        verdicts.append(judge(tmp_path, "flicker", frames))
    require_falling(verdicts, passing=2)
    assert covers(verdicts[-1], 0.0, 33 / FPS)


@pytest.mark.parametrize("hold", [2, 3])
def test_slower_strobing_fails_too(tmp_path: Path, hold: int) -> None:
    frames = [
        np.clip(f.astype(int) + 40 * (n // hold % 2), 0, 255).astype(np.uint8)
        for n, f in enumerate(slide("grey"))
    ]
    verdict = judge(tmp_path, "flicker", frames)
    assert not verdict.passed
    assert "levels" in verdict.message


def test_a_strobe_is_found_where_it_is(tmp_path: Path) -> None:
    frames = slide("grey", 96)
    for n in range(40, 56, 2):
        frames[n] = np.clip(frames[n].astype(int) + 50, 0, 255).astype(np.uint8)
    verdict = judge(tmp_path, "flicker", frames)
    assert not verdict.passed
    assert covers(verdict, 40 / FPS, 55 / FPS)


def test_fades_cuts_and_one_flash_are_not_flicker(tmp_path: Path) -> None:
    fade = [(f * (n / 32)).astype(np.uint8) for n, f in enumerate(pan())]
    cuts = slide("black", 8) + slide("white", 8) + slide("grey", 9) + slide("black", 8)
    flash = slide("grey")
    flash[12] = fill(250)
    for frames in (fade, cuts, flash):
        assert judge(tmp_path, "flicker", frames).passed


def test_a_fast_blinking_object_is_not_flicker(tmp_path: Path) -> None:
    assert judge(tmp_path, "flicker", blink("black", period=0.25)).score > 0.9


# silence


def test_long_silences_fail_by_their_length(tmp_path: Path) -> None:
    verdicts = []
    for silent in (0.0, 1.5, 4.0, 8.0, 10.0):
        wave = make_tone(10.0)
        wave[len(wave) - round(silent * RATE) :] = 0
        verdicts.append(judge(tmp_path, "silence", [fill(90)] * 160, wave))
    require_falling(verdicts, passing=2)
    assert covers(verdicts[2], 6.0, 10.0)


@pytest.mark.parametrize("hum", [0.0, 0.0003])
def test_nothing_to_hear_fails(tmp_path: Path, hum: float) -> None:
    rng = np.random.default_rng(0)
    wave = rng.normal(0, hum, (33_000, 2)).astype(np.float32)
    verdict = judge(tmp_path, "silence", wave=wave)
    assert verdict.score == 0
    assert verdict.message == "nothing can be heard"


def test_a_constant_cannot_be_heard(tmp_path: Path) -> None:
    with AudioWriter(tmp_path / "dc.wav", RATE, 1) as writer:
        writer.write(np.full((RATE, 1), 0.4, np.float32))
    assert check_file(tmp_path / "dc.wav", ["silence"])[0].score == 0


def test_one_beep_and_quiet_sound_pass(tmp_path: Path) -> None:
    assert judge(tmp_path, "silence", wave=make_beeps(every=9.0)).passed
    assert judge(tmp_path, "silence", wave=make_tone(gain=0.005)).passed


@pytest.mark.parametrize(("audio", "passed"), [(True, False), (False, True), (None, False)])
def test_no_sound_stream_is_said(tmp_path: Path, audio: bool | None, passed: bool) -> None:
    expect = None if audio is None else Expectation(33, SIZE, SIZE, FPS, audio)
    verdict = judge(tmp_path, "silence", expect=expect)
    assert verdict.passed is passed
    assert "no sound stream" in verdict.message


def test_sound_that_stops_before_the_picture_is_silent_from_there(tmp_path: Path) -> None:
    path = mux_apart(tmp_path, picture_frames=160, sound_seconds=3.0)
    (verdict,) = check_file(path, ["silence"])
    assert not verdict.passed
    assert covers(verdict, 3.0, 10.0)


# clipping


def test_overdriven_sound_fails_by_its_gain(tmp_path: Path) -> None:
    waves = [np.clip(make_tone(gain=gain), -1, 1) for gain in (0.5, 0.95, 1.3, 3.0, 20.0)]
    require_falling([judge(tmp_path, "clipping", wave=wave) for wave in waves], passing=2)


def test_a_burst_is_found_where_it_is(tmp_path: Path) -> None:
    wave = make_tone(8.0)
    wave[5 * RATE : 5 * RATE + 4000] *= 10
    verdict = judge(tmp_path, "clipping", [fill(90)] * 128, np.clip(wave, -1, 1))
    assert not verdict.passed
    assert covers(verdict, 5.0, 5.25)
    assert verdict.evidence["peak_dbfs"] >= 0


def test_single_peaks_are_not_clipping(tmp_path: Path) -> None:
    wave = make_tone()
    wave[::2000] = 1.0
    assert judge(tmp_path, "clipping", wave=wave).passed


def test_clipping_of_one_channel_fails(tmp_path: Path) -> None:
    wave = make_tone()
    wave[:, 1] = np.clip(wave[:, 1] * 8, -1, 1)
    assert not judge(tmp_path, "clipping", wave=wave).passed


def test_no_sound_is_not_clipped(tmp_path: Path) -> None:
    verdict = judge(tmp_path, "clipping")
    assert verdict.passed
    assert "no sound" in verdict.message


# container


def mux_apart(folder: Path, picture_frames: int, sound_seconds: float) -> Path:
    """A file whose sound is of another length than its picture."""
    import av

    make_clip(folder, slide("grey", picture_frames), None, name="v.mp4")
    wave = make_tone(sound_seconds)
    to = folder / "apart.mp4"
    with av.open(str(folder / "v.mp4")) as source, av.open(str(to), "w") as target:
        picture = target.add_stream_from_template(source.streams.video[0])
        sound = target.add_stream("aac", rate=RATE, layout="stereo")
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = picture
                target.mux(packet)
        frame = av.AudioFrame.from_ndarray(wave.reshape(1, -1), "flt", "stereo")
        frame.sample_rate, frame.pts = RATE, 0
        target.mux(sound.encode(frame))
        target.mux(sound.encode())
    return to


GOOD = Expectation(33, SIZE, SIZE, FPS, True)


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        (GOOD, "whole and as expected"),
        (Expectation(41, SIZE, SIZE, FPS, True), "33 frames where 41"),
        (Expectation(33, 96, SIZE, FPS, True), "64x64 where 96x64"),
        (Expectation(33, SIZE, SIZE, 24, True), "16.000 fps where 24.000"),
        (Expectation(33, SIZE, SIZE, FPS, False), "sound is not expected"),
    ],
)
def test_the_plan_is_held_against_the_file(tmp_path: Path, expect: Expectation, said: str) -> None:
    verdict = judge(tmp_path, "container", wave=make_tone(), expect=expect)
    assert verdict.passed is (expect is GOOD)
    assert said in verdict.message


def test_missing_sound_is_said(tmp_path: Path) -> None:
    assert "sound is expected, but missing" in judge(tmp_path, "container", expect=GOOD).message
    assert judge(tmp_path, "container").passed


def test_a_sound_file_has_no_picture(tmp_path: Path) -> None:
    with AudioWriter(tmp_path / "a.wav", RATE, 2) as writer:
        writer.write(make_tone())
    verdicts = check_file(tmp_path / "a.wav", ["default"])
    failed = {verdict.check for verdict in verdicts if not verdict.passed}
    pictures = {"black", "frozen", "flicker", "cut", "jump", "drift", "seam"}
    assert failed == {"container", *pictures & set(DEFAULT)}
    assert "no picture" in verdicts[0].message


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "webm"])
def test_a_file_cut_short_fails_with_what_was_lost(tmp_path: Path, suffix: str) -> None:
    make_clip(tmp_path, slide("grey", 96), make_tone(6.0))
    fmt = {
        "mp4": ExportFormat(),
        "mkv": ExportFormat("mkv", audio_codec="opus"),
        "webm": ExportFormat("webm", "vp9", audio_codec="opus"),
    }[suffix]
    whole = tmp_path / f"whole.{suffix}"
    export_clip(tmp_path / "v.mkv", tmp_path / "a.wav", whole, fmt)
    assert check_file(whole, ["container"])[0].passed
    data = whole.read_bytes()
    scores = []
    for share in (0.95, 0.6, 0.3):
        cut = tmp_path / f"cut.{suffix}"
        cut.write_bytes(data[: int(len(data) * share)])
        verdicts = check_file(cut, ["default"])
        scores.append(verdicts[0].score)
        assert not verdicts[0].passed, share
        assert "ends at" in verdicts[0].message or "cannot be decoded" in verdicts[0].message
        assert verdicts[0].spans
        assert len(verdicts) == len(DEFAULT)
    assert max(scores) < 1


def test_a_hole_in_the_middle_fails(tmp_path: Path) -> None:
    path = make_clip(tmp_path, pan(), make_tone())
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 1200] = bytes(1200)
    path.write_bytes(data)
    verdict = check_file(path, ["container"])[0]
    assert not verdict.passed
    assert "cannot be decoded" in verdict.message
    assert any(span.note for span in verdict.spans)


@pytest.mark.parametrize(("seconds", "passed"), [(2.0625, True), (2.7, False), (1.2, False)])
def test_sound_of_another_length_fails(tmp_path: Path, seconds: float, passed: bool) -> None:
    path = mux_apart(tmp_path, 33, seconds)
    verdict = check_file(path, ["container"])[0]
    assert verdict.passed is passed, verdict
    assert passed or "of different length" in verdict.message


def test_a_lossless_part_is_judged_like_any_file(tmp_path: Path) -> None:
    with FrameWriter(tmp_path / "v.mkv", SIZE, SIZE, FPS) as writer:
        for frame in slide("grey"):
            writer.write(frame)
    assert check_file(tmp_path / "v.mkv", ["container", "black", "frozen", "flicker"])[0].passed
    assert probe(tmp_path / "v.mkv").fps == FPS


def test_ntsc_rates_are_one_rate(tmp_path: Path) -> None:
    from fractions import Fraction

    to = tmp_path / "c.mp4"
    frames = slide("grey", 24)
    encode_clip(frames, Fraction(24000, 1001), None, 0, to, ExportFormat())
    for fps, passed in ((23.976, True), (24.0, False)):
        expect = Expectation(24, SIZE, SIZE, fps, False)
        assert check_file(to, ["container"], expect)[0].passed is passed
