"""Frames are taken evenly, at the times at which they are shown, and never more than allowed."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import MediaError
from rushes.readers import sampling
from rushes.readers.base import Sampling
from rushes.readers.sampling import choose_step, halve, pick_even, sample_clip
from tests.readers.checkpoints import write_clip

EIGHT = Sampling(8.0, 4, 64)


def pick_times(times: list[float], how: Sampling, duration: float | None) -> list[float]:
    return [t for t, _ in pick_even(((t, None) for t in times), how, duration, lambda x: x)]


def test_a_rate_that_divides_is_sampled_exactly() -> None:
    times = [k / 16 for k in range(33)]
    assert pick_times(times, EIGHT, 33 / 16) == [k / 8 for k in range(17)]


def test_a_slower_clip_keeps_every_frame_once() -> None:
    times = [k / 5 for k in range(20)]
    assert pick_times(times, EIGHT, 4.0) == times


def test_a_short_clip_still_gives_the_fewest_frames() -> None:
    times = [k / 30 for k in range(8)]
    picked = pick_times(times, EIGHT, 8 / 30)
    assert len(picked) == 4
    assert picked[0] == 0


@given(
    rate=st.sampled_from([8, 10, 12, 15, 16, 24, 25, 30, 60]),
    frames=st.integers(1, 900),
    fps=st.sampled_from([1.0, 2.0, 8.0]),
    most=st.integers(4, 64),
    told=st.sampled_from([0.25, 0.9, 1.0, 4.0, None]),
)
def test_bounds_and_order_hold_whatever_the_file_declares(
    rate: int, frames: int, fps: float, most: int, told: float | None
) -> None:
    times = [k / rate for k in range(frames)]
    picked = pick_times(times, Sampling(fps, 4, most), told and told * frames / rate)
    assert 1 <= len(picked) <= most
    assert picked == sorted(set(picked))
    assert set(picked) <= set(times)
    assert picked[0] == 0


@given(rate=st.sampled_from([16, 24, 30, 60]), frames=st.integers(20, 600))
def test_gaps_are_even_to_one_frame(rate: int, frames: int) -> None:
    duration = frames / rate
    times = [k / rate for k in range(frames)]
    gaps = np.diff(pick_times(times, EIGHT, duration))
    step = choose_step(EIGHT, duration)
    assert gaps.max() <= step + 1 / rate + 1e-6
    assert gaps.min() >= step - 1 / rate - 1e-6


def test_a_clip_longer_than_declared_is_thinned_to_the_end() -> None:
    times = [k / 10 for k in range(1000)]
    picked = pick_times(times, Sampling(8.0, 4, 32), 2.0)
    assert 16 <= len(picked) <= 32
    assert picked[-1] > 90


def test_a_real_file_of_variable_rate_keeps_its_times(tmp_path: Path) -> None:
    times = [Fraction(k, 30) for k in range(15)] + [Fraction(1, 1), Fraction(3, 2), Fraction(5, 3)]
    frames = sample_clip(write_clip(tmp_path / "clip.mp4", times), EIGHT)
    exact = [float(t) for t in times]
    assert all(min(abs(s - t) for t in exact) < 1e-4 for s in frames.seconds)
    assert frames.seconds[-3:] == pytest.approx((1.0, 1.5, 5 / 3), abs=1e-4)
    for seconds, pixels in zip(frames.seconds, frames.pixels, strict=True):
        number = int(np.argmin([abs(seconds - t) for t in exact]))
        assert pixels.mean() == pytest.approx(20 + 5 * number, abs=2)


def test_large_frames_are_halved_as_they_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_clip(tmp_path / "clip.mp4", [Fraction(k, 8) for k in range(8)])
    monkeypatch.setattr(sampling, "MAX_BYTES", 8 * 48 * 64 * 3 // 3)
    frames = sample_clip(path, EIGHT)
    assert {p.shape for p in frames.pixels} == {(24, 32, 3)}
    assert frames.pixels[3].mean() == pytest.approx(35, abs=2)


def test_halving_averages() -> None:
    pixels = np.zeros((5, 4, 3), np.uint8)
    pixels[0, 0] = 255
    assert halve(pixels).shape == (2, 2, 3)
    assert halve(pixels)[0, 0, 0] == 64
    assert halve(pixels)[1].max() == 0


def test_what_is_no_video_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("a ball")
    with pytest.raises(MediaError, match=r"notes\.txt"):
        sample_clip(path, EIGHT)
