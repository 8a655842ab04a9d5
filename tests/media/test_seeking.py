"""Jumping gives the frames that decoding everything gives, and damage is said, not hidden."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from rushes.errors import MediaError
from rushes.media import FrameCursor, read_frames
from rushes.media.cuts import find_cuts, pick_cuts, suspect_cuts
from rushes.media.reading import Damage

OPTIONS = {
    "closed.mp4": ("libx264", {"g": "25", "bf": "2", "sc_threshold": "0"}),
    "open.mp4": (
        "libx264",
        {"g": "25", "bf": "3", "sc_threshold": "0", "x264-params": "open-gop=1"},
    ),
    "one.mkv": ("libx264", {"g": "9999", "bf": "2", "sc_threshold": "0"}),
    "many.mkv": ("libx264", {"g": "20", "bf": "2", "sc_threshold": "0"}),
    "stream.ts": ("libx264", {"g": "25", "bf": "2", "sc_threshold": "0"}),
    "raw.h264": ("libx264", {"g": "25", "bf": "0", "sc_threshold": "0"}),
    "open.webm": ("libvpx-vp9", {"g": "25", "deadline": "realtime", "cpu-used": "8"}),
}
COUNT, RATE = 200, 25


def write_file(path: Path, *, start: int = 0, rotate: int = 0) -> Path:
    """Frame k is grey level k; ``start`` shifts all times, in frames."""
    codec, options = OPTIONS[path.name]
    with av.open(str(path), "w") as box:
        stream = box.add_stream(codec, rate=RATE, options={**options, "crf": "8"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        if rotate:
            stream.set_display_rotation(rotate)
        for k in range(COUNT):
            level = np.full((48, 64, 3), k, np.uint8)
            level[:, :8] = 255 - k
            frame = av.VideoFrame.from_ndarray(level, format="rgb24")
            frame.pts, frame.time_base = k + start, Fraction(1, RATE)
            box.mux(stream.encode(frame))
        box.mux(stream.encode())
    return path


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_a_jump_gives_what_decoding_everything_gives(name: str, tmp_path: Path) -> None:
    path = write_file(tmp_path / name)
    every = list(read_frames(path))
    assert len(every) == COUNT
    rng = np.random.default_rng(4)
    for targets in (
        [0.0, 0.99, 1.0, 1.01, 7.9],
        sorted(rng.uniform(0, 8, 12)),
        [k * 0.5 for k in range(16)],
    ):
        with FrameCursor(path) as cursor:
            given = -1.0
            for target in targets:
                still = cursor.find_next(target)
                rest = (pair for pair in every if pair[0] >= target - 1e-6 and pair[0] > given)
                expected = next(rest, None)
                if expected is None:
                    assert still is None
                    continue
                assert still is not None
                assert still.seconds == pytest.approx(expected[0], abs=1e-9)
                np.testing.assert_array_equal(still.read_pixels(), expected[1])
                given = expected[0]


@pytest.mark.parametrize(("name", "most"), [("closed.mp4", 60), ("many.mkv", 140)])
def test_what_lies_between_is_jumped_over(name: str, most: int, tmp_path: Path) -> None:
    path = write_file(tmp_path / name)
    with FrameCursor(path) as cursor:
        cursor._gap = 1.0  # a file without an index that has shown two of its key frames
        assert [cursor.find_next(t) is not None for t in (0.0, 3.02, 6.02)] == [True] * 3
        assert cursor.jumps >= 2
        assert cursor.decoded <= most


def test_a_file_of_one_group_is_not_decoded_again_and_again(tmp_path: Path) -> None:
    path = write_file(tmp_path / "one.mkv")
    with FrameCursor(path) as cursor:
        cursor._gap = 0.1
        for k in range(40):
            cursor.find_next(k * 0.2)
        assert cursor.decoded < 4 * COUNT


def test_every_frame_comes_once_and_in_order(tmp_path: Path) -> None:
    path = write_file(tmp_path / "open.mp4")
    with FrameCursor(path) as cursor:
        times = []
        while (still := cursor.find_next(0.0)) is not None:
            times.append(still.seconds)
    assert times == pytest.approx([k / RATE for k in range(COUNT)])


def test_times_count_from_the_files_start_and_pictures_stand_upright(tmp_path: Path) -> None:
    path = write_file(tmp_path / "closed.mp4", start=50, rotate=90)
    expected = list(read_frames(path))
    with FrameCursor(path) as cursor:
        still = cursor.find_next(4.0)
        assert still is not None
        pixels = still.read_pixels()
    k = next(n for n, (seconds, _) in enumerate(expected) if seconds >= 4.0 - 1e-6)
    assert still.seconds == pytest.approx(expected[k][0])
    assert pixels.shape == expected[k][1].shape == (64, 48, 3)
    np.testing.assert_array_equal(pixels, expected[k][1])


def test_a_cut_short_file_gives_what_there_is(tmp_path: Path) -> None:
    path = write_file(tmp_path / "stream.ts")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    lost: list[Damage] = []
    with FrameCursor(path, lost.append) as cursor:
        assert cursor.find_next(1.0) is not None
        assert cursor.find_next(7.9) is None


@pytest.mark.parametrize("data", [b"", b"no film", b"\0" * 5000])
def test_what_is_no_video_is_one_clear_error(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(data)
    with pytest.raises(MediaError, match=r"x\.mp4"):
        FrameCursor(path)


def test_a_huge_picture_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rushes.media.seeking.MAX_PIXELS", 64 * 48 - 1)
    with pytest.raises(MediaError, match="64x48 is larger"):
        FrameCursor(write_file(tmp_path / "closed.mp4"))


def test_cuts_are_found_and_motion_is_none(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    rooms = [rng.integers(0, 256, (48, 64, 3)).astype(np.uint8) for _ in range(3)]
    path = tmp_path / "scenes.mp4"
    with av.open(str(path), "w") as box:
        stream = box.add_stream("libx264", rate=10, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for k in range(60):
            room = np.kron(rooms[k // 20][:6, :8], np.ones((8, 8, 1))).astype(np.uint8)
            room[:, 2 * (k % 20) : 2 * (k % 20) + 12] = 250  # something crosses the picture
            frame = av.VideoFrame.from_ndarray(room, format="rgb24")
            frame.pts, frame.time_base = k, Fraction(1, 10)
            box.mux(stream.encode(frame))
        box.mux(stream.encode())
    assert find_cuts(path) == pytest.approx([0.0, 2.0, 4.0, 5.9])
    assert find_cuts(path, 1.0, 3.0) == pytest.approx([1.0, 2.0, 2.9])


def test_flicker_and_shaking_are_no_cuts() -> None:
    assert pick_cuts([0.0, *[30.0] * 20]) == []
    assert pick_cuts([0.0, *[1.0] * 9, 40.0, *[1.0] * 9]) == [10]
    assert pick_cuts([0.0, 50.0]) == [1]
    assert pick_cuts([]) == []


def cut_by_edit_list(path: Path, frames: int) -> Path:
    """Have the file's edit list begin so many frames later, as an editor's cut does: the packets
    before it stay in the file, and are not shown."""
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 4
    version, count = data[at], int.from_bytes(data[at + 4 : at + 8], "big")
    assert (version, count) == (0, 1)
    with av.open(str(path)) as box:
        base = box.streams.video[0].time_base
        assert base is not None
    shift = int(Fraction(frames, RATE) / base)
    for place, change in ((at + 8, -frames * 1000 // RATE), (at + 12, shift)):
        value = int.from_bytes(data[place : place + 4], "big") + change
        data[place : place + 4] = value.to_bytes(4, "big")
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("frames", [25, 30, 110])
def test_an_edit_list_says_what_is_shown_and_when(frames: int, tmp_path: Path) -> None:
    path = cut_by_edit_list(write_file(tmp_path / "open.mp4"), frames)
    every = list(read_frames(path))
    assert every[0][0] == pytest.approx(0, abs=1.5 / RATE)
    assert int(every[0][1][:, 32:].mean()) == pytest.approx(frames, abs=3)
    with FrameCursor(path) as cursor:
        for target in (0.0, 1.0, 1.02, 2.5, 3.4):
            expected = next(pair for pair in every if pair[0] >= target - 1e-6)
            still = cursor.find_next(target)
            assert still is not None
            assert still.seconds == pytest.approx(expected[0], abs=1e-9)
            np.testing.assert_array_equal(still.read_pixels(), expected[1])


def write_boxes(path: Path, shown: Callable[[int], tuple[int, int, int] | None]) -> Path:
    """Sixty frames of one grey room at ten a second, with a box that slides through it in the
    colour that ``shown`` says of a frame, or with none."""
    with av.open(str(path), "w") as box:
        stream = box.add_stream("libx264", rate=10, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for k in range(60):
            room = np.full((48, 64, 3), 128, np.uint8)
            if (colour := shown(k)) is not None:
                room[16:28, 2 * (k % 20) : 2 * (k % 20) + 12] = colour
            frame = av.VideoFrame.from_ndarray(room, format="rgb24")
            frame.pts, frame.time_base = k, Fraction(1, 10)
            box.mux(stream.encode(frame))
        box.mux(stream.encode())
    return path


def test_a_scene_in_the_same_room_is_suspected_and_what_moves_is_not(tmp_path: Path) -> None:
    red, blue = (220, 30, 40), (40, 70, 230)
    path = write_boxes(tmp_path / "room.mp4", lambda k: red if k < 40 else blue)
    cuts = suspect_cuts(path)
    assert cuts.starts == (0.0,), "the box is back at its beginning at 2 s: that is no cut"
    assert cuts.suspected == pytest.approx((4.0,))
    assert cuts.last == pytest.approx(5.9)


def test_what_blinks_is_no_cut_and_what_goes_for_good_is_suspected(tmp_path: Path) -> None:
    red = (220, 30, 40)
    blinking = write_boxes(tmp_path / "on.mp4", lambda k: red if k % 10 < 5 else None)
    assert suspect_cuts(blinking).suspected == ()
    gone = write_boxes(tmp_path / "gone.mp4", lambda k: red if k < 30 else None)
    assert suspect_cuts(gone).suspected == pytest.approx((3.0,))
