"""What is taken for true of a clip that sprite remade."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("cv2")

from training.spotter.remade import find_truth
from training.sprite import world


def draw(**fixed) -> world.Scene:
    return world.sample_scene(np.random.default_rng(3), **fixed)


def show(scene: world.Scene) -> np.ndarray:
    return world.render_video(scene, size=96)


@pytest.mark.parametrize("shape", world.SHAPES)
@pytest.mark.parametrize("motion", world.MOTIONS)
def test_what_is_as_it_was_is_true(shape, motion):
    scene = draw(shape=shape, motion=motion)
    assert find_truth(scene, show(scene)) == scene


def test_the_shape_is_the_one_that_is_seen():
    scene = draw(shape="cross", motion="orbits", colour="blue")
    seen = replace(scene, shape="square")
    assert find_truth(scene, show(seen)) == seen


@pytest.mark.parametrize(
    "changed",
    [{"colour": "green"}, {"background": "white"}, {"motion": "rises"}, {"phase": 0.6}],
)
def test_a_clip_with_something_else_changed_is_left_out(changed):
    scene = replace(
        draw(shape="ball", motion="bounces", colour="red", background="grey"), phase=0.1
    )
    assert find_truth(scene, show(replace(scene, **changed))) is None


def test_what_became_a_held_out_triple_is_left_out():
    colour, shape, motion = sorted(world.HELD_OUT)[0]
    other = next(s for s in world.SHAPES if not world.is_held_out(colour, s, motion))
    scene = draw(colour=colour, shape=other, motion=motion)
    assert find_truth(scene, show(replace(scene, shape=shape))) is None
