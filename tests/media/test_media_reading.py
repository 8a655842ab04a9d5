"""Reading: presentation times, sample formats, and one clear error for what is no media file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from media_clips import FPS, RATE, draw_ball, draw_tone, write_frames, write_sound

from rushes.errors import MediaError
from rushes.media import (
    Damage,
    ExportFormat,
    FrameItem,
    SoundItem,
    encode_image,
    export_clip,
    ffmpeg_versions,
    probe,
    read_audio,
    read_both,
    read_frames,
)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """33 frames with sound, MP4."""
    video = write_frames(tmp_path / "v.mkv", draw_ball(33))
    audio = write_sound(tmp_path / "a.wav", draw_tone(33 / FPS, channels=2))
    export_clip(video, audio, tmp_path / "clip.mp4", ExportFormat())
    return tmp_path / "clip.mp4"


def write_with_times(path: Path, times: list[int], rotation: int = 0) -> Path:
    """Frames at given milliseconds."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"x264-params": "bframes=2"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        if rotation:
            stream.set_display_rotation(rotation)
        for milliseconds, pixels in zip(times, draw_ball(len(times), 96, 64), strict=True):
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
            frame.pts, frame.time_base = milliseconds, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_times_of_variable_rate_are_kept(tmp_path: Path) -> None:
    times = [0, 40, 100, 300, 333, 1000, 1040]
    path = write_with_times(tmp_path / "v.mp4", times)
    assert [seconds for seconds, _ in read_frames(path)] == pytest.approx(
        [t / 1000 for t in times], abs=0.001
    )


def test_times_count_from_the_start_of_the_clip(tmp_path: Path) -> None:
    path = write_with_times(tmp_path / "v.ts", [5000, 5040, 5080, 5120])
    assert [seconds for seconds, _ in read_frames(path)] == pytest.approx(
        [0, 0.04, 0.08, 0.12], abs=0.001
    )


def test_rotated_footage_is_turned_upright(tmp_path: Path) -> None:
    plain = write_with_times(tmp_path / "p.mp4", [0, 40, 80])
    turned = write_with_times(tmp_path / "t.mp4", [0, 40, 80], rotation=90)
    info = probe(turned)
    assert info.video is not None
    assert (info.width, info.height, info.video.rotation) == (64, 96, 90)
    stored = next(read_frames(plain))[1]
    shown = next(read_frames(turned))[1]
    assert np.array_equal(shown, np.rot90(stored))


def test_probe_says_what_is_in_the_file(clip: Path) -> None:
    info = probe(clip)
    assert info.video is not None
    assert info.audio is not None
    assert (info.video.codec, info.video.pix_fmt) == ("h264", "yuv420p")
    assert (info.width, info.height, info.fps, info.video.frames) == (64, 64, 16.0, 33)
    assert (info.audio.codec, info.audio.rate, info.audio.channels) == ("aac", RATE, 2)
    assert info.duration_seconds == pytest.approx(33 / FPS, abs=0.002)


def test_probe_of_one_kind_only(tmp_path: Path) -> None:
    video = probe(write_frames(tmp_path / "v.mkv", draw_ball(3)))
    audio = probe(write_sound(tmp_path / "a.wav", draw_tone(0.1)))
    assert video.audio is None
    assert audio.video is None
    assert (audio.width, audio.height, audio.fps) == (0, 0, 0.0)


def test_read_both_decodes_all_of_both_in_file_order(clip: Path) -> None:
    items = list(read_both(clip))
    frames = [item for item in items if isinstance(item, FrameItem)]
    sounds = [item for item in items if isinstance(item, SoundItem)]
    assert len(frames) == 33
    heard = sum(len(item.samples) for item in sounds) / RATE
    assert heard == pytest.approx(33 / FPS, abs=2048 / RATE)
    kinds = [isinstance(item, FrameItem) for item in items]
    assert kinds != sorted(kinds)
    assert kinds != sorted(kinds, reverse=True)
    assert [f.seconds for f in frames] == [s for s, _ in read_frames(clip)]


def test_pictures_survive_the_encoder(clip: Path) -> None:
    pairs = zip((f for _, f in read_frames(clip)), draw_ball(33), strict=True)
    errors = [np.abs(a.astype(int) - b.astype(int)).mean() for a, b in pairs]
    assert max(errors) < 4


@pytest.mark.parametrize(("codec", "bits"), [("pcm_s16le", 15), ("pcm_s32le", 31), ("pcm_u8", 7)])
def test_integer_sound_is_scaled_to_one(tmp_path: Path, codec: str, bits: int) -> None:
    path = tmp_path / "s.wav"
    wave = draw_tone(0.1)
    formats = {"pcm_s16le": "s16", "pcm_s32le": "s32", "pcm_u8": "u8"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(wave.T.copy(), "flt", "mono")
        frame.sample_rate, frame.pts = RATE, 0
        stream.codec_context.format = formats[codec]
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    back = np.concatenate([samples for _, samples, _ in read_audio(path)])
    assert back.dtype == np.float32
    assert np.abs(back - wave).max() <= 1.01 / 2**bits + 1e-6


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.mp4", None, "no such file"),
        ("empty.mp4", b"", "empty"),
        ("notes.txt", b"a few words\n" * 40, "neither picture nor sound"),
        ("notes.mp4", b"a few words\n" * 40, "not a media file"),
        (
            "page.m3u8",
            b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
            "cannot read",
        ),
    ],
)
def test_what_is_no_media_file_is_one_clear_error(
    tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    for read in (probe, lambda p: list(read_frames(p)), lambda p: list(read_both(p))):
        with pytest.raises(MediaError, match=said) as caught:
            read(path)
        assert caught.value.where == str(path)
        assert str(path) in caught.value.message


def test_a_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="directory"):
        probe(tmp_path)


def test_a_file_without_its_index_is_said_to_be_cut_short(tmp_path: Path, clip: Path) -> None:
    path = tmp_path / "cut.mp4"
    path.write_bytes(clip.read_bytes()[:600])
    with pytest.raises(MediaError, match="cut short"):
        probe(path)


def test_reading_a_kind_that_is_not_there(tmp_path: Path) -> None:
    video = write_frames(tmp_path / "v.mkv", draw_ball(3))
    audio = write_sound(tmp_path / "a.wav", draw_tone(0.1))
    with pytest.raises(MediaError, match="no sound"):
        next(read_audio(video))
    with pytest.raises(MediaError, match="no picture"):
        next(read_frames(audio))


def test_a_truncated_clip_raises_or_reports(tmp_path: Path, clip: Path) -> None:
    path = tmp_path / "cut.mp4"
    data = clip.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    with pytest.raises(MediaError, match="damaged at about"):
        list(read_both(path))
    damages: list[Damage] = []
    items = list(read_both(path, on_damage=damages.append))
    assert 3 < sum(isinstance(item, FrameItem) for item in items) < 33
    assert damages
    assert 0 < damages[0].seconds < 33 / FPS


def test_flipped_bytes_are_reported(tmp_path: Path, clip: Path) -> None:
    data = bytearray(clip.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 1500] = bytes(1500)
    path = tmp_path / "hole.mp4"
    path.write_bytes(data)
    damages: list[Damage] = []
    list(read_both(path, on_damage=damages.append))
    assert damages


def test_an_image_of_a_frame(tmp_path: Path) -> None:
    frame = next(draw_ball(1))
    for name, error in (("png", 0.0), ("jpeg", 4.0)):
        path = tmp_path / f"i.{name}"
        path.write_bytes(encode_image(frame, name))
        back = next(read_frames(path))[1]
        assert np.abs(back.astype(int) - frame.astype(int)).mean() <= error
    low, high = (encode_image(frame, "jpeg", quality) for quality in (10, 95))
    assert len(low) < len(high)
    assert encode_image(frame, "jpeg") == encode_image(frame, "jpeg")


def test_images_refuse_what_they_cannot_encode() -> None:
    with pytest.raises(MediaError, match="gif"):
        encode_image(next(draw_ball(1)), "gif")
    with pytest.raises(MediaError, match="uint8"):
        encode_image(np.zeros((4, 4, 3)), "png")  # type: ignore[arg-type]


def test_versions_are_three_numbers() -> None:
    versions = ffmpeg_versions()
    assert {"libavcodec", "libavformat", "libswscale"} <= set(versions)
    assert all(len(v.split(".")) == 3 for v in versions.values())
