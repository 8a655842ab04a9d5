"""Export and films: agreed durations, the same bytes every time, memory that does not grow."""

from __future__ import annotations

import hashlib
import os
import random
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from media_clips import FPS, RATE, draw_ball, draw_tone, write_frames, write_long_tone, write_sound

from rushes.errors import MediaError, ProjectError
from rushes.media import (
    ExportFormat,
    export_clip,
    join_clips,
    probe,
    read_audio,
    read_both,
    read_frames,
)
from rushes.media.formats import CONTAINERS

FORMATS = [
    ExportFormat(container, video, audio_codec=audio, preset="veryfast")
    for container, (videos, audios) in CONTAINERS.items()
    for video in videos
    for audio in audios
]


def name_format(fmt: ExportFormat) -> str:
    return f"{fmt.container}-{fmt.video_codec}-{fmt.audio_codec}"


@pytest.mark.parametrize("fmt", FORMATS, ids=name_format)
@pytest.mark.parametrize(("rate", "seconds"), [(16_000, 2.0625), (44_100, 1.0), (24_000, 3.0)])
def test_every_format_declares_equal_durations(
    tmp_path: Path, fmt: ExportFormat, rate: int, seconds: float
) -> None:
    video = write_frames(tmp_path / "v.mkv", draw_ball(33))
    audio = write_sound(tmp_path / "a.wav", draw_tone(seconds, 2, rate), rate)
    to = tmp_path / f"clip{fmt.suffix}"
    export_clip(video, audio, to, fmt)
    info = probe(to)
    assert info.video is not None
    assert info.audio is not None
    assert info.video.duration_seconds == pytest.approx(33 / FPS, abs=0.002)
    assert info.audio.duration_seconds == pytest.approx(33 / FPS, abs=1 / FPS)
    assert info.video.rate == FPS
    assert sum(1 for _ in read_frames(to)) == 33
    assert [p.name for p in tmp_path.iterdir() if ".part" in p.name] == []


@pytest.mark.parametrize("fmt", FORMATS, ids=name_format)
def test_colours_survive_every_format(tmp_path: Path, fmt: ExportFormat) -> None:
    patches = np.array(
        [(225, 30, 35), (25, 175, 50), (35, 70, 235), (128, 128, 128), (8, 8, 8), (245, 245, 245)]
    )
    frame = np.repeat(np.repeat(patches[None], 64, axis=0), 16, axis=1).astype(np.uint8)
    video = write_frames(tmp_path / "v.mkv", [frame] * 5)
    to = tmp_path / f"clip{fmt.suffix}"
    export_clip(video, None, to, fmt)
    back = list(read_frames(to))[-1][1]
    centres = back[32, 8::16].astype(int)
    assert np.abs(centres - patches).max() <= 6


@pytest.mark.parametrize(
    ("size", "fmt", "repeats"),
    [
        ((64, 64), ExportFormat(), 40),
        ((320, 240), ExportFormat(preset="fast"), 12),
        ((64, 64), ExportFormat(video_codec="h265"), 6),
        ((64, 64), ExportFormat("webm", "vp9", audio_codec="opus"), 6),
        ((64, 64), ExportFormat("webm", "av1", audio_codec="opus"), 6),
    ],
    ids=lambda value: name_format(value) if isinstance(value, ExportFormat) else str(value),
)
def test_the_same_parts_give_the_same_bytes(
    tmp_path: Path, size: tuple[int, int], fmt: ExportFormat, repeats: int
) -> None:
    rng = np.random.default_rng(7)
    grain = rng.integers(0, 40, (size[1], size[0], 3)).astype(np.uint8)
    video = write_frames(tmp_path / "v.mkv", (f // 2 + grain for f in draw_ball(17, *size)))
    audio = write_sound(tmp_path / "a.wav", draw_tone(1.0, 2))
    digests = set()
    churn = random.Random(3)
    for _ in range(repeats):
        litter = [churn.randbytes(churn.randrange(1, 200_000)) for _ in range(12)]
        export_clip(video, audio, tmp_path / "clip", fmt)
        del litter[::2]
        digests.add(hashlib.sha256((tmp_path / "clip").read_bytes()).hexdigest())
    assert len(digests) == 1


CODECS = {
    "h264": ExportFormat(),
    "h265": ExportFormat(video_codec="h265"),
    "vp9": ExportFormat("webm", "vp9", audio_codec="opus"),
    "av1": ExportFormat("webm", "av1", audio_codec="opus"),
}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs glibc's malloc")
@pytest.mark.parametrize("codec", CODECS)
def test_what_lies_in_fresh_memory_changes_no_byte(tmp_path: Path, codec: str) -> None:
    digests = set()
    for fill in ("0", "1", "170"):
        done = subprocess.run(
            [sys.executable, __file__, str(tmp_path), codec],
            env={**os.environ, "MALLOC_PERTURB_": fill},
            capture_output=True,
            text=True,
            check=True,
        )
        digests |= set(done.stdout.splitlines()[-1].split())
    assert len(digests) == 1


def print_digests(folder: Path, fmt: ExportFormat) -> None:
    """Of two exports of a grainy clip."""
    rng = np.random.default_rng(0)
    grainy = (f // 2 + rng.integers(0, 40, f.shape).astype(np.uint8) for f in draw_ball(11))
    video = write_frames(folder / "v.mkv", grainy)
    audio = write_sound(folder / "a.wav", draw_tone(0.7, 2))
    for n in range(2):
        export_clip(video, audio, folder / f"{n}", fmt)
        print(hashlib.sha256((folder / f"{n}").read_bytes()).hexdigest(), end=" ")


def test_h265_refuses_what_it_cannot_repeat(tmp_path: Path) -> None:
    video = write_frames(tmp_path / "v.mkv", draw_ball(2, 48, 48))
    with pytest.raises(MediaError, match="too small for h265"):
        export_clip(video, None, tmp_path / "c.mp4", CODECS["h265"])


def test_export_leaves_out_writers_and_dates(tmp_path: Path) -> None:
    video = write_frames(tmp_path / "v.mkv", draw_ball(5))
    audio = write_sound(tmp_path / "a.wav", draw_tone(0.3))
    export_clip(video, audio, tmp_path / "c.mp4", ExportFormat())
    data = (tmp_path / "c.mp4").read_bytes()
    assert b"Lavf" not in data
    assert b"Lavc" not in data
    assert data.index(b"moov") < data.index(b"mdat")


def test_without_sound_there_is_no_sound_stream(tmp_path: Path) -> None:
    video = write_frames(tmp_path / "v.mkv", draw_ball(5))
    export_clip(video, None, tmp_path / "c.mp4", ExportFormat())
    assert probe(tmp_path / "c.mp4").audio is None


def test_an_odd_size_is_refused_with_the_next_even_one(tmp_path: Path) -> None:
    video = write_frames(tmp_path / "v.mkv", draw_ball(2, 63, 64))
    with pytest.raises(MediaError, match="63x64 is odd") as caught:
        export_clip(video, None, tmp_path / "c.mp4", ExportFormat())
    assert "64x64" in str(caught.value.hint)
    assert not (tmp_path / "c.mp4").exists()


def test_a_failed_export_leaves_the_old_file(tmp_path: Path) -> None:
    to = tmp_path / "c.mp4"
    to.write_bytes(b"old")
    video = write_frames(tmp_path / "v.mkv", draw_ball(20))
    video.write_bytes(video.read_bytes()[:-3000])
    audio = write_sound(tmp_path / "a.wav", np.full((9000, 1), np.nan, np.float32))
    with pytest.raises(MediaError):
        export_clip(video, audio, to, ExportFormat())
    assert to.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir() if ".part" in p.name] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"container": "avi"}, "unknown container"),
        ({"video_codec": "h246"}, "unknown video codec"),
        ({"container": "webm"}, "does not carry h264"),
        ({"container": "mov", "audio_codec": "opus"}, "does not carry opus"),
        ({"crf": 52}, "crf = 52"),
        ({"crf": 18.0}, "crf = 18.0"),
        ({"preset": "quick"}, "unknown preset"),
        ({"audio_kbps": 0}, "audio_kbps"),
    ],
)
def test_formats_that_cannot_be_made_are_refused(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(ProjectError, match=said):
        ExportFormat(**arguments)  # type: ignore[arg-type]


def paint(level: int, count: int) -> list[np.ndarray]:
    return [np.full((16, 16, 3), level, np.uint8)] * count


def make_part(tmp_path: Path, name: str, level: int, frames: int, gain: float) -> tuple[Path, Path]:
    video = write_frames(tmp_path / f"{name}.mkv", paint(level, frames))
    tone = draw_tone(frames / FPS) * np.float32(gain)
    return video, write_sound(tmp_path / f"{name}.wav", tone)


def read_levels(path: Path) -> list[float]:
    return [float(frame.mean()) for _, frame in read_frames(path)]


def read_wave(path: Path) -> np.ndarray:
    return np.concatenate([samples for _, samples, _ in read_audio(path)])[:, 0]


def test_cuts_put_parts_end_to_end(tmp_path: Path) -> None:
    parts = [make_part(tmp_path, str(n), 60 + 60 * n, 8 + n, 0.5) for n in range(3)]
    join_clips(parts, tmp_path / "film.mp4", ExportFormat())
    levels = read_levels(tmp_path / "film.mp4")
    assert np.rint(levels) == pytest.approx([60] * 8 + [120] * 9 + [180] * 10, abs=4)
    info = probe(tmp_path / "film.mp4")
    assert info.audio is not None
    assert info.audio.duration_seconds == pytest.approx(27 / FPS, abs=1 / FPS)


def test_a_cross_fade_is_linear_in_the_picture(tmp_path: Path) -> None:
    parts = [make_part(tmp_path, "a", 50, 12, 0.5), make_part(tmp_path, "b", 200, 12, 0.5)]
    join_clips(parts, tmp_path / "film.mp4", ExportFormat(crf=1), crossfade_seconds=4 / FPS)
    levels = read_levels(tmp_path / "film.mp4")
    fade = [50 + 150 * n / 5 for n in (1, 2, 3, 4)]
    assert levels == pytest.approx([50] * 8 + fade + [200] * 8, abs=4)


def test_a_cross_fade_has_equal_power_in_the_sound(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    parts = []
    for name in ("a", "b"):
        video = write_frames(tmp_path / f"{name}.mkv", paint(90, 32))
        noise = (0.1 * rng.standard_normal((2 * RATE, 1))).astype(np.float32)
        parts.append((video, write_sound(tmp_path / f"{name}.wav", noise)))
    fmt = ExportFormat(audio_kbps=320)
    join_clips(parts, tmp_path / "film.mp4", fmt, crossfade_seconds=1.0)
    wave = read_wave(tmp_path / "film.mp4")
    blocks = [float(wave[k : k + RATE // 4].std()) for k in range(0, 3 * RATE, RATE // 4)]
    assert blocks == pytest.approx([0.1] * 12, rel=0.15)


def test_a_part_without_sound_is_silent_where_others_sound(tmp_path: Path) -> None:
    first, second = (make_part(tmp_path, name, 90, 16, 1.0) for name in ("a", "b"))
    join_clips([first, (second[0], None)], tmp_path / "film.mp4", ExportFormat())
    wave = read_wave(tmp_path / "film.mp4")
    assert wave[: RATE * 9 // 10].std() > 0.1
    assert wave[RATE * 11 // 10 :].std() < 0.001


def test_sound_stays_with_its_picture_through_many_parts(tmp_path: Path) -> None:
    video = write_frames(tmp_path / "v.mkv", paint(90, 17))
    click = np.zeros((17_000, 1), np.float32)
    click[:160] = 0.8
    audio = write_sound(tmp_path / "s.wav", click)
    join_clips([(video, audio)] * 8, tmp_path / "film.mp4", ExportFormat())
    wave = np.abs(read_wave(tmp_path / "film.mp4"))
    for n in range(8):
        start = round(n * 17 / FPS * RATE)
        assert wave[start : start + 400].max() > 0.4
        assert n == 0 or wave[start - 4000 : start - 1000].max() < 0.05


def test_one_part_is_a_film(tmp_path: Path) -> None:
    join_clips([make_part(tmp_path, "a", 90, 5, 0.5)], tmp_path / "f.mp4", ExportFormat(), 1.0)
    assert len(read_levels(tmp_path / "f.mp4")) == 5


def test_parts_that_differ_are_refused_by_name(tmp_path: Path) -> None:
    good = make_part(tmp_path, "good", 90, 8, 0.5)
    size = write_frames(tmp_path / "size.mkv", draw_ball(8, 32, 16))
    fps = write_frames(tmp_path / "fps.mkv", paint(90, 8), fps=24)
    rate = write_sound(tmp_path / "rate.wav", draw_tone(0.5, rate=8000), 8000)
    stereo = write_sound(tmp_path / "stereo.wav", draw_tone(0.5, 2))
    cases = [
        ((size, None), "size.mkv", "32x16"),
        ((fps, None), "fps.mkv", "24 fps"),
        ((good[0], rate), "rate.wav", "8000 Hz"),
        ((good[0], stereo), "stereo.wav", "2 channels"),
    ]
    for part, name, said in cases:
        with pytest.raises(MediaError, match=said) as caught:
            join_clips([good, part], tmp_path / "film.mp4", ExportFormat())
        assert str(caught.value.where).endswith(name)
        assert "same" in str(caught.value.hint)


def test_a_part_too_short_for_its_fades_is_refused(tmp_path: Path) -> None:
    parts = [make_part(tmp_path, name, 90, 8, 0.5) for name in "abc"]
    join_clips(parts, tmp_path / "film.mp4", ExportFormat(), crossfade_seconds=4 / FPS)
    assert len(read_levels(tmp_path / "film.mp4")) == 16
    with pytest.raises(MediaError, match=r"b\.mkv: its 8 frames") as caught:
        join_clips(parts, tmp_path / "film.mp4", ExportFormat(), crossfade_seconds=5 / FPS)
    assert "crossfade_seconds" in str(caught.value.hint)


def test_no_parts_are_no_film(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="at least one"):
        join_clips([], tmp_path / "film.mp4", ExportFormat())


def run_pass(folder: Path, seconds: int) -> None:
    """Write, export, join and read a clip of that length."""
    frames = seconds * FPS
    video = write_frames(folder / "v.mkv", draw_ball(frames, 128, 96))
    audio = write_long_tone(folder / "a.wav", seconds)
    fmt = ExportFormat(preset="veryfast")
    export_clip(video, audio, folder / "c.mp4", fmt)
    join_clips([(video, audio)] * 2, folder / "f.mp4", fmt, crossfade_seconds=0.5)
    assert sum(1 for _ in read_both(folder / "c.mp4")) > frames


@pytest.mark.slow
def test_memory_does_not_grow_with_duration(tmp_path: Path) -> None:
    peaks = []
    for seconds in (2, 60):
        command = [sys.executable, __file__, str(tmp_path), str(seconds)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout))
    assert peaks[1] - peaks[0] < 8_000_000  # 58 s of decoded frames are 34 MB


if __name__ == "__main__":
    if sys.argv[2] in CODECS:
        print_digests(Path(sys.argv[1]), CODECS[sys.argv[2]])
        sys.exit()
    run_pass(Path(sys.argv[1]), int(sys.argv[2]))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
