"""What clips of its own should have been drawn as."""

from dataclasses import asdict, replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("cv2")

from training.sprite import redrawn, world  # noqa: E402
from training.sprite.cache import PIXELS  # noqa: E402
from training.sprite.oracle_sound import find_onsets  # noqa: E402
from training.sprite.train_decoder import Redrawn  # noqa: E402


def draw(seed: int, **fixed: object) -> world.Scene:
    return world.sample_scene(np.random.default_rng(seed), **fixed)


def show(scene: world.Scene) -> np.ndarray:
    return world.render_video(scene, size=PIXELS)


@pytest.mark.parametrize("motion", world.MOTIONS)
@pytest.mark.parametrize("shape", world.SHAPES)
def test_what_is_right_is_drawn_as_it_is(shape: str, motion: str) -> None:
    scene = draw(3, shape=shape, motion=motion)
    fitted, places = redrawn.redraw(scene, show(scene))
    again = world.render_track(fitted, places, PIXELS).astype(int)
    off = np.abs(again - show(scene)).max(-1) > 60
    assert off.mean() < 0.004  # at the edges alone
    assert fitted.period == pytest.approx(scene.period, rel=0.1)


@pytest.mark.parametrize("motion", world.MOTIONS)
def test_what_came_out_as_another_shape_is_drawn_as_it_was_meant_where_it_is(motion: str) -> None:
    meant = draw(4, shape="cross", motion=motion)
    fitted, places = redrawn.redraw(meant, show(replace(meant, shape="ball")))
    x, y, _, visible = world.track(meant, np.arange(world.FRAMES) / world.FPS)
    inside = (visible > 0) & (np.abs(y - world.SIZE / 2) < world.SIZE / 2 - 1.5 * meant.radius)
    assert fitted.shape == "cross"
    assert np.abs(places[0] - x)[inside].max() < 1
    assert np.abs(places[1] - y)[inside].max() < 1


def test_what_is_about_to_come_is_not_there_yet() -> None:
    scene = draw(9, shape="ball", motion="blinks", background="black", colour="red", speed="slow")
    pictures = show(scene)
    visible = world.track(scene, np.arange(world.FRAMES) / world.FPS)[3] > 0
    first = int(np.flatnonzero(visible[1:] & ~visible[:-1])[0])  # the last frame without it
    small = replace(scene, radius=scene.radius / 2)
    places = world.track(small, np.full(1, (first + 1) / world.FPS))
    pictures[first] = world.render_track(small, places, PIXELS)[0]
    _, places = redrawn.redraw(scene, pictures)
    assert (places[3] > 0).tolist() == visible.tolist()


def listen(scene: world.Scene) -> list[float]:
    return find_onsets(world.render_audio(scene).mean(0), scene.motion)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("motion", world.EVENT_OF)
def test_what_is_heard_in_time_changes_nothing(motion: str, seed: int) -> None:
    scene = draw(seed, motion=motion, silent=False)
    _, unheard = redrawn.redraw(scene, show(scene))
    _, places = redrawn.redraw(scene, show(scene), listen(scene))
    assert np.abs(places - unheard).max() < 0.5
    if motion == "blinks":
        visible = world.track(scene, np.arange(world.FRAMES) / world.FPS)[3]
        assert places[3].tolist() == visible.tolist()


@pytest.mark.parametrize("late", [-1, 1])
def test_what_blinks_is_drawn_from_the_frame_after_its_sound_begins(late: int) -> None:
    meant = draw(9, shape="ball", motion="blinks", speed="slow", silent=False)
    shown = replace(meant, phase=meant.phase - late / world.FPS / meant.period)
    _, places = redrawn.redraw(meant, show(shown), listen(meant))
    frames = np.arange(world.FRAMES) / world.FPS
    came, meant_to_come = (
        np.flatnonzero(v[1:] > v[:-1]).tolist() for v in (places[3], world.track(meant, frames)[3])
    )
    assert came == meant_to_come


def test_what_slides_is_drawn_nearer_to_where_it_is_heard_to_turn() -> None:
    meant = draw(11, shape="ball", motion="slides", speed="slow", silent=False)
    shown = replace(meant, phase=meant.phase - 0.5 / world.FPS / meant.period)

    def miss(heard: list[float]) -> float:
        events = [t for t, _ in world.list_events(redrawn.redraw(meant, show(shown), heard)[0])]
        return max(min(abs(t - e) for e in events) for t, _ in world.list_events(meant))

    assert miss(listen(meant)) < 0.75 * miss([])


def test_a_frame_that_shows_something_elsewhere_is_drawn_on_the_path() -> None:
    scene = draw(5, shape="square", motion="orbits", background="black", colour="red")
    pictures = show(scene)
    pictures[10] = np.roll(pictures[10], PIXELS // 2, 1)
    _, places = redrawn.redraw(scene, pictures)
    x, y, _, _ = world.track(scene, np.arange(world.FRAMES) / world.FPS)
    assert abs(places[0, 10] - x[10]) < 1.5
    assert abs(places[1, 10] - y[10]) < 1.5


@pytest.mark.parametrize(
    "other", [{"colour": "green"}, {"background": "white"}, {"motion": "slides"}]
)
def test_a_clip_of_something_else_is_left_out(other: dict[str, str]) -> None:
    fixed = {"colour": "red", "background": "black", "motion": "pulses", "shape": "ball"}
    assert redrawn.redraw(draw(6, **fixed), show(draw(6, **(fixed | other)))) is None


def test_nothing_to_be_seen_is_left_out() -> None:
    scene = draw(7)
    ground = np.array(world.BACKGROUNDS[scene.background], np.uint8)
    assert redrawn.redraw(scene, np.broadcast_to(ground, (33, PIXELS, PIXELS, 3))) is None


def test_pieces_show_the_frames_that_their_latents_decode_to(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("training.sprite.train_decoder.CACHE", tmp_path)
    assert Redrawn.load() is None
    scene = draw(8, shape="ball", motion="slides")
    places = np.stack(world.track(scene, np.arange(world.FRAMES) / world.FPS))
    video = torch.arange(9.0).view(1, 1, 9, 1, 1).expand(1, 64, 9, 4, 4).half()
    shard = {"video": video, "places": torch.from_numpy(places).float()[None]}
    torch.save({**shard, "scenes": [asdict(scene)]}, tmp_path / "redrawn_000.pt")
    x, weight, shapes, cuts, rivals = Redrawn.load().draw(np.random.default_rng(0), 6, 9)
    assert shapes.tolist() == [world.SHAPES.index("ball")] * 6
    assert cuts.shape == (6, 64, 3, 4, 4)
    assert weight.shape == (6, 1, 9, PIXELS, PIXELS)
    assert float(rivals.compare(x, shapes)) < 0.1
    assert float(rivals.compare(x, shapes + 1)) > 1
    hidden = replace(rivals, covers=torch.zeros_like(rivals.covers))
    assert float(hidden.compare(x, shapes)) == 0
    whole = torch.from_numpy(show(scene)).permute(3, 0, 1, 2).float() / 127.5 - 1
    firsts = {int(cut[0, 0, 0, 0]) for cut in cuts}
    assert len(firsts) > 1
    for clip, cut in zip(x, cuts, strict=True):
        first = 4 * int(cut[0, 0, 0, 0])
        assert torch.allclose(clip, whole[:, first : first + 9], atol=0.02)
