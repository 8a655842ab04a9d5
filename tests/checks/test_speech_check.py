"""The check speech: what was asked for and what is heard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted import CLEAN, FPS, SIZE, make_clip, make_tone

from rushes.checks.base import Expectation, Verdict
from rushes.checks.registry import check_file
from rushes.checks.speech import _judge, _Words
from rushes.checks.voices import Quality, find_missing, find_voices, rate_speech
from rushes.media import MonoResampler

pytest.importorskip("faster_whisper")
pytest.importorskip("onnxruntime")
WORDS = st.lists(st.sampled_from(["red", "ball", "sea", "north", "quiet"]), max_size=8)


def judge(folder: Path, prompt: str) -> Verdict:
    path = make_clip(folder, CLEAN["slide-grey"], make_tone())
    expect = Expectation(33, SIZE, SIZE, FPS, True, prompts=(prompt,))
    (verdict,) = check_file(path, ["speech"], expect)
    return verdict


def test_nobody_speaks_where_somebody_should(tmp_path: Path) -> None:
    verdict = judge(tmp_path, 'a man says "good morning"')
    assert not verdict.passed
    assert verdict.score < 0.5
    assert "good, morning" in verdict.message
    assert "nobody speaks" in verdict.message


def test_a_tone_is_no_voice_and_nothing_was_asked_for(tmp_path: Path) -> None:
    verdict = judge(tmp_path, 'a sign says "good morning"')
    assert verdict.passed
    assert verdict.message == "nobody speaks"


@given(WORDS, WORDS)
def test_missing_words_are_those_that_no_order_finds(asked: list[str], heard: list[str]) -> None:
    missing = find_missing(asked, heard)
    assert find_missing(asked, asked) == []
    assert find_missing(asked, []) == asked
    assert find_missing(asked, [*heard, *asked]) == []
    assert set(asked) - set(heard) <= set(missing)


def test_words_that_sound_alike_count() -> None:
    assert find_missing(["the", "grey", "floor"], ["the", "gray", "floor"]) == []
    assert find_missing(["north"], ["house"]) == ["north"]


def test_noise_behind_a_voice_fails_where_the_whole_is_rated_leniently() -> None:
    """What DNSMOS says of a synthesised voice under noise as loud as it, and of it alone."""
    nothing = _Words([], [], [])
    noisy, message = _judge(nothing, Quality(3.22, 1.57, 1.83), 2.0)
    assert noisy < 0.5
    assert "behind the voice" in message
    assert _judge(nothing, Quality(3.22, 3.9, 3.0), 2.0)[0] >= 0.5


def test_the_same_sound_gives_the_same_figures() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 16_000).astype(np.float32)
    assert rate_speech(noise) == rate_speech(noise.copy())
    assert 1 <= rate_speech(noise).overall <= 5
    assert find_voices(noise) == find_voices(noise.copy())


def test_sound_of_any_rate_becomes_one_channel() -> None:
    resampler = MonoResampler(16_000)
    t = np.arange(48_000) / 48_000
    tone = np.sin(2 * np.pi * 440 * t).astype(np.float32)[:, None].repeat(2, 1)
    blocks = [resampler.feed(tone[n : n + 1000], 48_000) for n in range(0, 48_000, 1000)]
    wave = np.concatenate([*blocks, resampler.finish()])
    assert len(wave) == pytest.approx(16_000, abs=50)
    assert np.abs(wave).max() == pytest.approx(1, abs=0.02)
