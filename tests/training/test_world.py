"""The world's promises: ranges, held-out triples, sounds where events are."""

import numpy as np
import pytest

from training.sprite import world


def scenes(count, **fixed):
    rng = np.random.default_rng(4)
    return [world.sample_scene(rng, **fixed) for _ in range(count)]


def test_a_tenth_of_the_triples_is_held_out_and_never_sampled():
    total = len(world.COLOURS) * len(world.SHAPES) * len(world.MOTIONS)
    assert len(world.HELD_OUT) == round(total / 10)
    assert not any(world.is_held_out(s.colour, s.shape, s.motion) for s in scenes(500))
    assert not world.is_held_out("red", "ball", "bounces")
    assert not world.is_held_out("blue", "square", "slides")


@pytest.mark.parametrize("motion", world.MOTIONS)
def test_clips_have_the_promised_form(motion):
    for scene in scenes(6, motion=motion):
        video, audio = world.render_video(scene), world.render_audio(scene)
        assert video.shape == (33, 64, 64, 3)
        assert video.dtype == np.uint8
        assert audio.shape == (2, 33_000)
        assert audio.dtype == np.float32
        assert np.abs(audio).max() <= world.PEAK
        assert (np.abs(audio).max() == 0) == scene.silent


def test_every_event_is_heard():
    for motion in world.EVENT_OF:
        for scene in scenes(8, motion=motion, silent=False):
            audio = np.abs(world.render_audio(scene)).max(0)
            for when, _ in world.list_events(scene):
                begin = int(when * world.SAMPLE_RATE)
                if begin + 400 < len(audio):
                    assert audio[begin : begin + 400].max() > 0.1


def test_rendering_repeats():
    scene = scenes(1)[0]
    assert np.array_equal(world.render_video(scene), world.render_video(scene))
    assert np.array_equal(world.render_audio(scene), world.render_audio(scene))
