"""Which part of a clip is looked at: what is said, what it becomes, and what there is room for."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.catalogue.load import find_reader_entry, reader_names
from rushes.errors import MediaError, UsageError
from rushes.readers.base import Sampling, find_reader
from rushes.readers.budget import count_frames, fit_frames
from rushes.readers.duplicates import is_duplicate
from rushes.readers.sampling import choose_step, middle_of_scenes, sample_clip
from rushes.readers.selection import Selection, make_selection, parse_time, show_time
from tests.readers.checkpoints import write_clip

TWO = Sampling(2.0, 4, 768)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("4:12", 252.0), ("12.5", 12.5), ("12.5s", 12.5), ("1:02:03.5", 3723.5), (" 90 ", 90.0),
     ("75:00", 4500.0)],
)  # fmt: skip
def test_times_are_read(text: str, seconds: float) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize("text", ["", "4:60", "1:60:00", "-1", "nan", "inf", "1e3", "4m", "٣"])
def test_what_is_no_time_is_a_clear_error(text: str) -> None:
    with pytest.raises(UsageError, match="is not a time"):
        parse_time(text)


@given(st.integers(0, 360_000))
def test_what_is_shown_is_read_again(tenths: int) -> None:
    assert parse_time(show_time(tenths / 10)) == pytest.approx(tenths / 10)


def test_around_a_time_never_begins_before_the_clip() -> None:
    assert make_selection(at="1") == Selection(start_seconds=0.0, end_seconds=5.0)
    assert make_selection(at="4:12").clip(600.0) == 8.0
    assert make_selection(at="4:12").clip(250.0) == 2.0


@given(
    fps=st.floats(0.1, 100), frames=st.integers(1, 900), seconds=st.floats(0.05, 36_000),
)  # fmt: skip
def test_what_is_said_never_looks_at_more_than_the_reader_can(
    fps: float, frames: int, seconds: float
) -> None:
    looks = Selection(fps=fps, frames=frames).apply(TWO)
    assert looks.max_frames <= min(frames, 768)
    assert looks.min_frames <= looks.max_frames
    assert 1 <= count_frames(looks, seconds, None) <= looks.max_frames
    assert choose_step(looks, seconds) >= min(1 / fps, seconds) - 1e-9


@given(
    name=st.sampled_from(reader_names()), height=st.integers(32, 2200),
    width=st.integers(32, 2200), wanted=st.integers(1, 768), room=st.integers(100, 300_000),
)  # fmt: skip
def test_fitted_frames_have_room_and_one_more_would_not(
    name: str, height: int, width: int, wanted: int, room: int
) -> None:
    entry = find_reader_entry(name)
    settings = find_reader(entry.family).make_settings(entry.processor, name)
    frames, size = fit_frames(settings, wanted, height, width, room)
    assert 0 <= frames <= wanted
    if frames:
        assert size == settings.measure(frames, height, width)
        assert size.tokens <= room
    if frames < wanted:
        assert settings.measure(frames + 1, height, width).tokens > room


def test_the_longest_scenes_are_looked_at_in_order() -> None:
    cuts = [0.0, 1.0, 5.0, 6.0, 10.0]
    assert middle_of_scenes(cuts, 9) == [0.5, 3.0, 5.5, 8.0]
    assert middle_of_scenes(cuts, 2) == [3.0, 8.0]
    assert middle_of_scenes([2.0], 4) == [2.0]
    assert middle_of_scenes([], 4) == []


def test_noise_is_a_duplicate_and_a_small_thing_that_moved_is_none() -> None:
    rng = np.random.default_rng(0)
    room = rng.integers(40, 200, (6, 8, 3)).astype(np.uint8).repeat(40, 0).repeat(40, 1)
    noisy = np.clip(room + rng.normal(0, 6, room.shape), 0, 255).astype(np.uint8)
    assert is_duplicate(room, noisy)
    moved = noisy.copy()
    moved[100:115, 100:115] = 0
    assert not is_duplicate(room, moved)
    assert not is_duplicate(room, room[:100])


def test_duplicates_are_dropped_when_asked(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", [Fraction(k, 8) for k in range(8)])
    frames = sample_clip(path, Sampling(8.0, 4, 64), Selection(drop_duplicates=True))
    assert len(frames.pixels) == 8  # every frame is five levels brighter than the one before
    still = [Fraction(44 * k, 8) for k in range(1)]
    path = write_clip(tmp_path / "still.mp4", [*still, *(Fraction(k) for k in range(1, 9))])
    assert len(sample_clip(path, Sampling(8.0, 4, 64)).pixels) == 9


def test_a_clip_that_declares_to_be_much_longer_is_still_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rushes import media

    path = write_clip(tmp_path / "clip.mp4", [Fraction(k, 8) for k in range(24)])
    real = media.probe(path)

    class Lying:
        duration_seconds = 1e12
        video = real.video

    monkeypatch.setattr(media, "probe", lambda path: Lying, raising=False)
    frames = sample_clip(path, Sampling(8.0, 4, 64))
    assert frames.seconds == pytest.approx([k / 8 for k in range(24)], abs=1e-4)


def test_a_selection_after_the_end_is_a_clear_error(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", [Fraction(k, 8) for k in range(8)])
    with pytest.raises(UsageError, match=r"ends at 0:0\d\.\d, before 0:09\.0"):
        sample_clip(path, TWO, Selection(start_seconds=9.0))


def test_a_damaged_file_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", [Fraction(k, 25) for k in range(200)])
    data = bytearray(path.read_bytes())
    begin = data.index(b"mdat") + 4
    size = int.from_bytes(data[begin - 8 : begin - 4], "big")
    data[begin + size // 3 : begin + size // 2] = b"\xff" * (size // 2 - size // 3)
    path.write_bytes(data)
    frames = sample_clip(path, Sampling(8.0, 4, 64))
    assert 30 < len(frames.pixels) < 64
    assert frames.seconds[-1] > 7
    assert any("a packet could not be decoded" in text for text in frames.lost)
    assert len({text.partition(": ")[2] for text in frames.lost}) == len(frames.lost)


def test_a_file_without_one_good_frame_is_a_clear_error(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", [Fraction(k, 8) for k in range(8)])
    data = bytearray(path.read_bytes())
    begin = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4 if data.index(b"moov") > begin else len(data)
    data[begin:end] = b"\xff" * (end - begin)
    path.write_bytes(data)
    with pytest.raises(MediaError, match="no frame in it that can be decoded: from about"):
        sample_clip(path, TWO)
