"""Which of its own clips sprite learns from."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from rushes.plan.windows import Window  # noqa: E402
from training.sprite import choose, mel, oracle, world  # noqa: E402
from training.sprite import oracle_picture as eyes  # noqa: E402
from training.sprite.cache import PIXELS  # noqa: E402
from training.sprite.noising import TIME  # noqa: E402
from training.sprite.train_transformer import MOTION_WEIGHTS, SHAPE_WEIGHTS, Clips  # noqa: E402

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


def test_motions_are_drawn_by_their_shares() -> None:
    scenes = choose.draw_scenes(np.random.default_rng(1), 400, (0.0, 0.0, 0.75, 0.25, 0.0, 0.0))
    blinks = [scene.motion for scene in scenes].count("blinks")
    assert {s.motion for s in scenes} == {"blinks", "orbits"}
    assert blinks / 400 == pytest.approx(0.75, abs=0.07)


def test_what_is_remade_is_where_and_when_it_was() -> None:
    torch.manual_seed(3)
    maker = choose.Maker()
    seen = eyes.see(maker.show(maker.remake([BOUNCING], 3)[0])[0])
    x, y, _, _ = world.track(BOUNCING, np.arange(world.FRAMES) / world.FPS)
    off = np.hypot(seen.track.x - x, seen.track.y - y)[seen.track.whole]
    assert (seen.colour, seen.background) == (BOUNCING.colour, BOUNCING.background)
    assert seen.motion == BOUNCING.motion
    assert np.median(off) < 2


def test_a_shape_is_learnt_as_often_however_few_there_are() -> None:
    rng = np.random.default_rng(2)
    counts = {"ball": 40, "triangle": 100, "square": 30, "cross": 5}
    clips = Clips("chosen", "cpu", {})
    clips.scenes = [
        world.sample_scene(rng, shape=shape)
        for shape, count in counts.items()
        for _ in range(count)
    ]
    picks = [clips.scenes[k].shape for k in clips.pick(rng, 20_000)]
    for shape, weight in SHAPE_WEIGHTS.items():
        assert picks.count(shape) / len(picks) == pytest.approx(
            weight / sum(SHAPE_WEIGHTS.values()), abs=0.02
        )


def test_motions_that_are_harder_to_time_are_drawn_more_often() -> None:
    clips, rng = Clips("shard", "cpu", {}), np.random.default_rng(4)
    clips.scenes = [
        world.sample_scene(rng, motion=motion, shape="ball")
        for motion in world.MOTIONS
        for _ in range(5)
    ]
    picks = [clips.scenes[k].motion for k in clips.pick(rng, 20_000)]
    weights = {motion: MOTION_WEIGHTS.get(motion, 1.0) for motion in world.MOTIONS}
    for motion, weight in weights.items():
        share = weight / sum(weights.values())
        assert picks.count(motion) / len(picks) == pytest.approx(share, abs=0.02)


def test_only_pieces_that_lie_in_them_are_taken_from_its_own_clips(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("training.sprite.train_transformer.CACHE", tmp_path)
    scene = choose.asdict(BOUNCING)
    shard = {"video": torch.zeros(1, 64, 9, 4, 4), "audio": torch.zeros(1, 4, 52, 16)}
    torch.save({**shard, "scenes": [scene]}, tmp_path / "chosen_000.pt")
    one = {
        f"{kind}_{name}": torch.ones(64) for kind in ("video", "audio") for name in ("mean", "std")
    }
    clips = Clips("chosen", "cpu", one)
    assert not clips.cover(TIME.first_window(world.FRAMES))
    clips.refresh()
    assert clips.cover(TIME.first_window(world.FRAMES))
    assert not clips.cover(Window(0, 10, 0, 0, 58, 0))
    assert clips.scenes == [BOUNCING]
