"""Which of its own clips sprite learns from."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

from training.sprite import choose, mel, oracle, world
from training.sprite.cache import PIXELS

BOUNCING = world.sample_scene(
    np.random.default_rng(8), shape="square", motion="bounces", speed="slow", silent=False
)


def judge(scene: world.Scene, late: int = 0) -> oracle.Verdict:
    """What the oracle says of the scene, its sound so many samples late."""
    wave = world.render_audio(scene, mel.SAMPLES).mean(0).astype(np.float64)
    wave = np.concatenate([np.zeros(late), wave])[: mel.SAMPLES]
    return oracle.judge(world.render_video(scene, world.FRAMES, PIXELS), wave)


def test_the_truth_is_right() -> None:
    assert choose.is_right(BOUNCING, judge(BOUNCING))


@pytest.mark.parametrize(
    "other", [{"shape": "cross"}, {"colour": "blue"}, {"speed": "fast"}, {"motion": "slides"}]
)
def test_another_thing_is_not(other: dict[str, str]) -> None:
    seen = judge(BOUNCING)
    assert not choose.is_right(replace(BOUNCING, **other), seen)


def test_sound_that_is_late_is_not() -> None:
    assert not choose.is_right(BOUNCING, judge(BOUNCING, late=world.SAMPLE_RATE // 8))


def test_sound_that_is_missing_or_not_asked_for_is_not() -> None:
    quiet = replace(BOUNCING, silent=True)
    assert not choose.is_right(quiet, judge(BOUNCING))
    assert not choose.is_right(BOUNCING, judge(quiet))
    assert choose.is_right(quiet, judge(quiet))


def test_no_held_out_triple_is_drawn() -> None:
    scenes = choose.draw_scenes(np.random.default_rng(1), 400)
    assert not any(world.is_held_out(s.colour, s.shape, s.motion) for s in scenes)
    assert {s.shape for s in scenes} == set(world.SHAPES)
