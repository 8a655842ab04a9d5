"""What is written comes back bit for bit, and the same input gives the same file."""

from __future__ import annotations

import io
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from media_clips import FPS, RATE, draw_ball, draw_tone, write_frames, write_sound

from rushes.errors import MediaError, StoreFull
from rushes.media import (
    AudioWriter,
    FrameWriter,
    count_frames,
    frame_rate,
    probe,
    read_audio,
    read_frames,
)

quick = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@quick
@given(
    frames=hnp.arrays(
        np.uint8,
        st.tuples(st.integers(1, 4), st.integers(1, 37), st.integers(1, 41), st.just(3)),
    ),
    fps=st.sampled_from([Fraction(16), Fraction(25), Fraction(24000, 1001), Fraction(1, 2)]),
)
def test_frames_come_back_bit_for_bit(tmp_path: Path, frames: np.ndarray, fps: Fraction) -> None:
    path = tmp_path / "f.mkv"
    with FrameWriter(path, frames.shape[2], frames.shape[1], fps) as writer:
        for frame in frames:
            writer.write(frame)
    back = list(read_frames(path))
    assert np.array_equal(np.stack([frame for _, frame in back]), frames)
    times = [seconds for seconds, _ in back]
    assert times == pytest.approx([float(i / fps) for i in range(len(frames))], abs=0.001)
    info = probe(path)
    assert info.video is not None
    assert info.video.rate == fps or len(frames) == 1
    assert count_frames(path) == len(frames)


@quick
@given(
    samples=hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 3000), st.sampled_from([1, 2, 6])),
        elements=st.floats(-4, 4, width=32),
        fill=st.floats(-1, 1, width=32),
    ),
    block=st.integers(1, 2000),
)
def test_samples_come_back_bit_for_bit(tmp_path: Path, samples: np.ndarray, block: int) -> None:
    path = write_sound(tmp_path / "s.wav", samples, block=block)
    back = list(read_audio(path))
    assert np.array_equal(np.concatenate([b for _, b, _ in back]), samples)
    assert {rate for _, _, rate in back} == {RATE}
    position = 0
    for seconds, got, _ in back:
        assert seconds == pytest.approx(position / RATE)
        position += len(got)


def test_same_frames_and_samples_give_the_same_bytes(tmp_path: Path) -> None:
    films = [write_frames(tmp_path / f"{n}.mkv", draw_ball(9)).read_bytes() for n in range(2)]
    sounds = [write_sound(tmp_path / f"{n}.wav", draw_tone(0.5)).read_bytes() for n in range(2)]
    assert films[0] == films[1]
    assert sounds[0] == sounds[1]


def test_frames_of_a_plain_clip_are_small(tmp_path: Path) -> None:
    path = write_frames(tmp_path / "f.mkv", draw_ball(33))
    assert path.stat().st_size < 33 * 64 * 64 * 3 / 10


def test_a_file_object_is_written_like_a_path(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with FrameWriter(buffer, 64, 64, FPS) as writer:
        for frame in draw_ball(5):
            writer.write(frame)
    (tmp_path / "b.mkv").write_bytes(buffer.getvalue())
    assert len(list(read_frames(tmp_path / "b.mkv"))) == 5


def test_no_frame_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no frame"), FrameWriter(tmp_path / "f.mkv", 8, 8, 16):
        pass


def test_no_sample_is_an_empty_sound(tmp_path: Path) -> None:
    with AudioWriter(tmp_path / "s.wav", RATE, 2):
        pass
    info = probe(tmp_path / "s.wav")
    assert info.audio is not None
    assert info.audio.channels == 2
    assert list(read_audio(tmp_path / "s.wav")) == []


@pytest.mark.parametrize(
    "frame", [np.zeros((8, 9, 3), np.uint8), np.zeros((8, 8, 3), np.float32), np.zeros((8, 8))]
)
def test_another_shape_or_dtype_of_frame_is_refused(tmp_path: Path, frame: np.ndarray) -> None:
    writer = FrameWriter(tmp_path / "f.mkv", 8, 8, 16)
    with pytest.raises(MediaError, match="not \\(8, 8, 3\\) uint8"):
        writer.write(frame)


@pytest.mark.parametrize(
    "samples", [np.zeros((8, 1), np.float32), np.zeros((8, 2)), np.zeros(8, np.float32)]
)
def test_another_shape_or_dtype_of_sound_is_refused(tmp_path: Path, samples: np.ndarray) -> None:
    writer = AudioWriter(tmp_path / "s.wav", RATE, 2)
    with pytest.raises(MediaError, match="not \\(n, 2\\) float32"):
        writer.write(samples)


def test_more_channels_than_layouts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="9 channels"):
        AudioWriter(tmp_path / "s.wav", RATE, 9)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs Linux's full device")
def test_a_full_disk_is_store_full() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (64, 64, 3)).astype(np.uint8)

    def fill() -> None:
        with FrameWriter("/dev/full", 64, 64, 16) as writer:
            for _ in range(40):
                writer.write(noise)

    with pytest.raises(StoreFull, match="no space"):
        fill()


def test_a_folder_that_is_not_there_is_a_media_error(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="cannot write") as caught:
        FrameWriter(tmp_path / "none" / "f.mkv", 8, 8, 16)
    assert caught.value.where == str(tmp_path / "none" / "f.mkv")


@pytest.mark.parametrize(
    ("decimal", "exact"),
    [
        (16.0, Fraction(16)),
        (24.0, Fraction(24)),
        (12.5, Fraction(25, 2)),
        (23.976, Fraction(24000, 1001)),
        (29.97, Fraction(30000, 1001)),
        (59.94, Fraction(60000, 1001)),
        (0.5, Fraction(1, 2)),
    ],
)
def test_decimal_rates_become_exact(decimal: float, exact: Fraction) -> None:
    assert frame_rate(decimal) == exact


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_rates_are_refused(rate: float) -> None:
    with pytest.raises(MediaError):
        frame_rate(rate)
