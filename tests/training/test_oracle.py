"""The oracle reads back, from encoded MP4s, what the world drew."""

import numpy as np
import pytest

pytest.importorskip("cv2")
av = pytest.importorskip("av")

from training.sprite import clips, oracle, world  # noqa: E402

COUNT = 48


@pytest.fixture(scope="module", params=[world.SIZE, 96], ids=lambda size: f"{size} pixels")
def judged(request, tmp_path_factory):
    rng = np.random.default_rng(11)
    path = tmp_path_factory.mktemp("oracle") / "clip.mp4"
    pairs = []
    for _ in range(COUNT):
        scene = world.sample_scene(rng, include_held_out=True)
        frames = world.render_video(scene, size=request.param)
        clips.write_mp4(path, frames, world.render_audio(scene))
        pairs.append((scene, oracle.judge_file(path)))
    return pairs


@pytest.mark.parametrize(
    ("what", "bar"),
    [("colour", 0.98), ("background", 0.98), ("shape", 0.95), ("motion", 0.95), ("speed", 0.9)],
)
def test_reads_what_was_drawn(judged, what, bar):
    right = np.mean([getattr(v, what) == getattr(s, what) for s, v in judged])
    assert right >= bar


def test_hears_sound_and_silence(judged):
    assert all(v.audible != s.silent for s, v in judged)


def test_sound_and_picture_of_events_agree(judged):
    offsets = [v.offset_seconds for _, v in judged if v.offset_seconds is not None]
    assert len(offsets) >= 10
    assert np.percentile(np.abs(offsets), 90) < 0.04


def test_a_shifted_sound_is_noticed(tmp_path):
    scene = world.sample_scene(
        np.random.default_rng(3), motion="bounces", speed="slow", silent=False
    )
    wave = np.roll(world.render_audio(scene), int(0.15 * world.SAMPLE_RATE), axis=1)
    clips.write_mp4(tmp_path / "late.mp4", world.render_video(scene), wave)
    assert oracle.judge_file(tmp_path / "late.mp4").offset_seconds == pytest.approx(0.15, abs=0.03)


def test_an_empty_picture_has_no_object():
    frames = np.full((world.FRAMES, 64, 64, 3), 128, np.uint8)
    verdict = oracle.judge(frames, np.zeros(world.SAMPLES))
    assert verdict.colour is None
    assert verdict.motion is None
    assert not verdict.audible
    assert verdict.background == "grey"
