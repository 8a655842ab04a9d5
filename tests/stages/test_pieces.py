"""Frames at another rate, sound that is cut: the small arithmetic of stages."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import MediaError
from rushes.media import read_audio_at
from rushes.stages.decode_audio import cut_blocks
from rushes.stages.encode_condition import _read_sound
from rushes.stages.footage import at_rate, read_clip, read_picture, read_tail
from tests.media_files import write_clip, write_picture, write_sound

SIZES = st.lists(st.integers(0, 50), min_size=1, max_size=8)


@given(SIZES, st.integers(0, 100), st.none() | st.integers(0, 200))
def test_blocks_are_cut_as_their_sum(sizes: list[int], drop: int, limit: int | None) -> None:
    edges = np.cumsum([0, *sizes])
    whole = np.arange(edges[-1], dtype=np.float32)[:, None]
    blocks = [whole[a:b] for a, b in pairwise(edges)]
    cut = [sample for block in cut_blocks(iter(blocks), drop, limit) for sample in block[:, 0]]
    stop = None if limit is None else drop + limit
    assert cut == list(whole[drop:stop, 0])


def frame(number: int) -> np.ndarray:
    return np.full((2, 2, 3), number, np.uint8)


@pytest.mark.parametrize(
    ("source", "fps", "shown"),
    [(16, 16, [0, 1, 2, 3]), (8, 16, [0, 0, 1, 1, 2, 2, 3, 3]), (32, 16, [0, 2])],
)
def test_frames_are_dropped_or_repeated_to_a_rate(source: int, fps: int, shown: list[int]) -> None:
    frames = [(n / source, frame(n)) for n in range(4)]
    assert [int(f[0, 0, 0]) for f in at_rate(frames, fps)] == shown


def test_the_end_of_a_file_is_read_from_where_it_begins(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", 2.5)
    start, frames = read_tail(path, 17, 16.0)
    assert start == (40 - 17) / 16
    assert len(frames) == 17
    columns = [int((f[32, :, 0] > 180).nonzero()[0][0]) for f in frames]
    assert np.abs(np.array(columns) - np.arange(23, 40)).max() <= 1  # colour is 2x2


def test_a_file_that_is_too_short(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", 1.0)
    with pytest.raises(MediaError, match="shows 16 frames at 16 fps; 33 are needed"):
        read_clip(path, 33, 16.0)


def test_a_picture_is_one_frame(tmp_path: Path) -> None:
    assert read_picture(write_picture(tmp_path / "a.png")).shape == (64, 64, 3)


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 2), (48_000, 2), (44_100, 1)])
def test_sound_at_another_rate_keeps_its_times(rate: int, channels: int, tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", 2.0, rate, channels)
    sound = _read_sound(path, 0.25, 1.0, 16_000)
    assert sound.shape == (16_000, 2)
    loud = np.abs(sound[:, 0]) > 0.05
    first = int(loud.argmax()) / 16_000
    assert abs(first - 0.25) < 0.002
    assert np.array_equal(sound[:, 0], sound[:, 1])


def test_silence_follows_a_sound_that_ends(tmp_path: Path) -> None:
    sound = _read_sound(write_sound(tmp_path / "a.wav", 0.5), 0.0, 1.0, 16_000)
    assert sound.shape == (16_000, 2)
    assert not sound[8_100:].any()


def test_blocks_at_a_rate_add_up(tmp_path: Path) -> None:
    blocks = list(read_audio_at(write_sound(tmp_path / "a.wav", 1.0, 48_000), 16_000, channels=2))
    assert abs(sum(len(block) for block in blocks) - 16_000) < 40
