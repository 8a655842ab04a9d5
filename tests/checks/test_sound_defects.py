"""Planted defects of the sound, each beside the harmless thing that looks most like it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from planted import RATE, Wave, make_clip, make_tone, slide

from rushes.checks.base import Verdict
from rushes.checks.registry import check_file
from rushes.media import AudioWriter, LoudnessMeter


def judge(folder: Path, check: str, wave: Wave, rate: int = RATE) -> Verdict:
    with AudioWriter(folder / "a.wav", rate, wave.shape[1]) as writer:
        writer.write(np.clip(wave, -1, 1).astype(np.float32))
    (verdict,) = check_file(folder / "a.wav", [check])
    return verdict


def make_noise(seconds: float = 3.0, gain: float = 0.05) -> Wave:
    rng = np.random.default_rng(5)
    return rng.normal(0, gain, (round(seconds * RATE), 2)).astype(np.float32)


def hum_of(hertz: float, dbfs: float, seconds: float = 3.0) -> Wave:
    t = np.arange(round(seconds * RATE)) / RATE
    return (10 ** (dbfs / 20) * np.sin(2 * np.pi * hertz * t))[:, None].repeat(2, 1)


# loudness and peak


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_loudness_is_that_of_another_meter(rate: int) -> None:
    pyloudnorm = pytest.importorskip("pyloudnorm")
    t = np.arange(4 * rate) / rate
    wave = 0.3 * np.sin(2 * np.pi * 440 * t) * (0.5 + 0.5 * np.sin(2 * np.pi * 0.4 * t))
    wave = np.stack([wave, 0.5 * wave], axis=1).astype(np.float32)
    meter = LoudnessMeter()
    for start in range(0, len(wave), 1024):
        meter.hear(wave[start : start + 1024], rate)
    theirs = pyloudnorm.Meter(rate).integrated_loudness(wave)
    assert meter.finish().integrated == pytest.approx(theirs, abs=0.2)


@pytest.mark.parametrize(
    ("gain_db", "passed"),
    # a stereo sine of amplitude a reads 20 log a on the meter, by definition of BS.1770 at 1 kHz
    [(-60, False), (-30, True), (-14, True), (-2, False)],
)
def test_loudness_refuses_what_is_far_off(tmp_path: Path, gain_db: float, passed: bool) -> None:
    t = np.arange(3 * 48_000) / 48_000
    wave = (10 ** (gain_db / 20) * np.sin(2 * np.pi * 997 * t))[:, None].repeat(2, 1)
    verdict = judge(tmp_path, "loudness", wave, 48_000)
    assert verdict.passed is passed
    assert verdict.evidence["integrated_lufs"] == pytest.approx(gain_db, abs=0.3)


@pytest.mark.parametrize(("check", "level"), [("r128", -23.0), ("streaming", -14.0)])
def test_targets_of_delivery(tmp_path: Path, check: str, level: float) -> None:
    t = np.arange(3 * 48_000) / 48_000
    sine = np.sin(2 * np.pi * 997 * t)[:, None].repeat(2, 1)
    assert judge(tmp_path, check, 10 ** (level / 20) * sine, 48_000).passed
    assert not judge(tmp_path, check, 10 ** ((level - 6) / 20) * sine, 48_000).passed


def test_a_peak_between_samples_is_found(tmp_path: Path) -> None:
    """A sine at a quarter of the rate whose samples all miss its crest, by 3 dB."""
    n = np.arange(48_000)
    wave = (np.sin(np.pi * n / 2 + np.pi / 4) * np.hanning(len(n)))[:, None]
    verdict = judge(tmp_path, "peak", wave, 48_000)
    assert np.abs(wave).max() < 0.71
    assert not verdict.passed
    assert verdict.evidence["true_peak_dbtp"] == pytest.approx(0, abs=0.3)
    assert judge(tmp_path, "peak", 0.8 * wave, 48_000).passed


# hum


@pytest.mark.parametrize("hertz", [50, 60])
def test_hum_fails_by_its_level(tmp_path: Path, hertz: int) -> None:
    speech = make_noise() * (np.arange(3 * RATE) % 8000 < 5000)[:, None]
    verdicts = [
        judge(tmp_path, "hum", speech + hum_of(hertz, level)) for level in (-80, -60, -40, -25)
    ]
    scores = [verdict.score for verdict in verdicts]
    assert scores == sorted(scores, reverse=True)
    assert [v.passed for v in verdicts] == [True, True, False, False]
    assert verdicts[-1].evidence["line_hertz"] == hertz
    assert verdicts[-1].evidence["hum_dbfs"] == pytest.approx(-25, abs=1)


def test_bass_notes_thumps_and_noise_are_no_hum(tmp_path: Path) -> None:
    t = np.arange(3 * RATE) / RATE
    notes = hum_of(49, -12) * (t % 1.0 < 0.6)[:, None]
    thump = (0.7 * np.exp(-(t % 0.6) / 0.07) * np.sin(2 * np.pi * 100 * t))[:, None].repeat(2, 1)
    for wave in (notes, thump, make_noise(), hum_of(100, -12), make_tone(3.0)):
        assert judge(tmp_path, "hum", wave).passed


# clipping


def make_strokes(gain: float) -> Wave:
    """Strokes of 15 ms whose half waves are three samples long, as loud at their peaks as said."""
    t = np.arange(3 * RATE) / RATE
    stroke = np.exp(-(t % 0.6) / 0.015) * np.sin(2 * np.pi * 2400 * (t % 0.6))
    return (gain / np.abs(stroke).max() * stroke)[:, None].repeat(2, 1).astype(np.float32)


@pytest.mark.parametrize(("gain", "passed"), [(0.7, True), (1.0, True), (2.0, False)])
def test_a_short_stroke_that_was_cut_off_and_coded_fails(
    tmp_path: Path, gain: float, passed: bool
) -> None:
    path = make_clip(tmp_path, slide("grey", 48), np.clip(make_strokes(gain), -1, 1))
    (verdict,) = check_file(path, ["clipping"])
    assert verdict.passed is passed


def test_tones_that_just_reach_full_scale_are_not_cut_off(tmp_path: Path) -> None:
    t = np.arange(3 * RATE) / RATE
    for hertz in (60, 440, 1000, 2400, 5000):
        wave = np.sin(2 * np.pi * hertz * t)[:, None].repeat(2, 1).astype(np.float32)
        path = make_clip(tmp_path, slide("grey", 48), 0.99 * wave)
        assert check_file(path, ["clipping"])[0].passed, hertz


# click


def test_clicks_fail_by_their_size(tmp_path: Path) -> None:
    verdicts = []
    for size in (0.0, 0.05, 0.4, 0.9):
        wave = make_tone(3.0, gain=0.2)
        wave[[9_000, 10_000, 11_000]] += size
        verdicts.append(judge(tmp_path, "click", wave))
    assert [v.passed for v in verdicts] == [True, True, False, False]
    assert any(s.start_seconds <= 9_000 / RATE <= s.end_seconds for s in verdicts[-1].spans)


def test_attacks_and_loud_noise_are_no_clicks(tmp_path: Path) -> None:
    t = np.arange(3 * RATE) / RATE
    snare = make_noise(3.0, 0.3) * np.exp(-(t % 0.4) / 0.05)[:, None]
    ping = (0.8 * np.exp(-(t % 0.5) / 0.015) * np.sin(2 * np.pi * 2400 * t))[:, None]
    for wave in (snare, ping, make_tone(3.0, 0.9), make_noise(3.0, 0.3)):
        assert judge(tmp_path, "click", wave).passed


@pytest.mark.parametrize("check", ["loudness", "peak", "hum", "click", "r128", "streaming"])
def test_silence_and_a_blink_of_sound_are_judged(tmp_path: Path, check: str) -> None:
    for wave in (np.zeros((RATE, 2)), make_tone(0.01), make_tone(0.3)[:, :1]):
        assert 0 <= judge(tmp_path, check, wave).score <= 1
