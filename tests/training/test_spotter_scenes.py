"""Spotter's clips: their truth against what the pixels and the tracks show."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("cv2")
pytest.importorskip("av")

from training.spotter.events import find_first, list_events
from training.spotter.labels import BLOCK, EVENTS, RECENT, label_clip, name_kind
from training.spotter.render import draw_clip, pick_frames, show_clip
from training.spotter.scenes import Actor, Clip, Look, locate, read_clip, sample_clip
from training.spotter.settings import SETTINGS
from training.sprite import world

seeds = st.integers(0, 10**6)
few = settings(max_examples=40)


def draw(seed, **fixed):
    return sample_clip(np.random.default_rng(seed), **fixed)


@few
@given(seeds)
def test_clips_keep_their_bounds(seed):
    clip = draw(seed)
    assert clip == draw(seed)
    assert 48 <= min(clip.width, clip.height) <= max(clip.width, clip.height) <= 160
    assert clip.width % 2 == clip.height % 2 == 0
    assert 8 <= clip.rate <= 30
    assert 0.95 <= clip.seconds <= 4.1
    kinds = [(a.scene.colour, a.scene.shape) for a in clip.actors]
    assert len(set(kinds)) == len(kinds) <= 3
    for actor in clip.actors:
        s = actor.scene
        assert not world.is_held_out(s.colour, s.shape, s.motion)
        assert actor.end - actor.start >= min(clip.seconds, 1.2) - 1e-9
        assert s.background == clip.background


@few
@given(seeds)
def test_a_clip_comes_back_from_json(seed):
    clip = draw(seed)
    assert read_clip(json.loads(json.dumps(clip.to_dict()))) == clip


def test_held_out_triples_come_when_asked_for():
    clips = [draw(k, include_held_out=True) for k in range(150)]
    scenes = [a.scene for c in clips for a in c.actors]
    assert any(world.is_held_out(s.colour, s.shape, s.motion) for s in scenes)


@settings(max_examples=15)
@given(seeds)
def test_objects_are_drawn_where_the_truth_says(seed):
    clip = draw(seed, count=1, look=Look())
    frames = draw_clip(clip)
    assert frames.shape == (clip.frames, clip.height, clip.width, 3)
    assert frames.dtype == np.uint8
    actor = clip.actors[0]
    t = np.arange(clip.frames) / clip.rate
    x, y, _, visible = locate(clip, actor, t)
    colour = np.array(world.COLOURS[actor.scene.colour])
    ground = np.array(world.BACKGROUNDS[clip.background])
    for k in range(clip.frames):
        column, row = int(x[k] * clip.scale), int(y[k] * clip.scale)
        if not (0 <= column < clip.width and 0 <= row < clip.height):
            continue
        expected = colour if visible[k] else ground
        assert np.abs(frames[k, row, column].astype(int) - expected).max() <= 2


@pytest.mark.parametrize("motion", ["bounces", "slides", "blinks"])
def test_events_are_those_that_sprite_sounds(motion):
    rng = np.random.default_rng(8)
    for _ in range(12):
        scene = world.sample_scene(rng, motion=motion)
        clip = Clip(
            (Actor(scene, 0.0, world.SECONDS),), scene.background, world.FRAMES, world.FPS, 64, 64
        )
        mine = [e.seconds for e in list_events(clip, clip.actors[0]) if e.kind != "off"]
        assert mine == pytest.approx([t for t, _ in world.list_events(scene)], abs=1e-6)


@few
@given(seeds)
def test_events_are_where_the_track_turns(seed):
    """Every event against the track itself, a millisecond before and after."""
    clip = draw(seed)
    for actor in clip.actors:
        for event in list_events(clip, actor):
            if event.kind in ("appears", "disappears"):
                t = np.array([actor.start - 1e-3, actor.start + 1e-3])
                if event.kind == "disappears":
                    t = np.array([actor.end + 1e-3, actor.end - 1e-3])
                before, after = locate(clip, actor, t)[3]
                assert (before, after) == (0, 1)
                continue
            before, at, after = np.array([-1e-3, 0.0, 1e-3]) + event.seconds
            x, y, _, on = world.track(actor.scene, np.array([before, at, after]))
            if event.kind == "floor":
                assert y[1] >= y[0]
                assert y[1] >= y[2]
                assert y[1] == pytest.approx(actor.scene.y, abs=0.2)
            elif event.kind == "wall":
                assert abs(x[1] - actor.scene.x) == pytest.approx(actor.scene.extent, abs=0.2)
            elif event.kind == "top":
                assert y[2] - y[0] > actor.scene.extent
            else:
                assert (on[0], on[2]) == ((0, 1) if event.kind == "on" else (1, 0))


@few
@given(seeds)
def test_a_first_event_is_sure_only_well_inside_the_clip(seed):
    clip = draw(seed)
    last = (clip.frames - 1) / clip.rate
    for actor in clip.actors:
        for kind in ("floor", "wall", "on", "off", "top", "appears", "disappears"):
            seconds, sure = find_first(clip, actor, kind)
            times = [e.seconds for e in list_events(clip, actor) if e.kind == kind]
            if seconds is not None:
                assert sure
                assert seconds == min(times)
                assert 0.05 < seconds < last - 0.1
            elif sure:
                assert not times


def test_a_gliding_object_comes_from_outside():
    found = 0
    for seed in range(400):
        clip = draw(seed)
        for actor in clip.actors:
            if actor.side and actor.start > 0:
                x = locate(clip, actor, np.array([actor.start + 1e-6]))[0]
                outside = max(-x[0], x[0] - clip.extent[0])
                assert outside == pytest.approx(actor.scene.radius, rel=0.01)
                found += 1
    assert found > 5


@settings(max_examples=4)
@given(seeds)
def test_the_codec_keeps_the_number_and_size_of_frames(seed):
    clip = draw(seed, look=Look(crf=30, noise=5.0, blur=0.8, gain=1.1))
    shown = show_clip(clip)
    assert shown.shape == (clip.frames, clip.height, clip.width, 3)
    assert np.abs(shown.astype(int).mean((1, 2, 3)) - draw_clip(clip).mean((1, 2, 3))).max() < 8


@few
@given(seeds)
def test_labels_name_what_lies_in_each_cell(seed):
    clip = draw(seed)
    picks = pick_frames(clip, SETTINGS.sampling)
    seconds = np.array(picks) / clip.rate
    grid = (-(-len(picks) // 2), 8, 8)
    labels = label_clip(clip, seconds, grid)
    cells = labels.cells.kinds.view(grid[0], 4, 4, 2)
    assert labels.cells.kinds.shape == (grid[0] * 16, 2)
    padded = list(seconds) + [seconds[-1]] * (len(seconds) % 2)
    for actor in clip.actors:
        kind = name_kind(actor.scene.colour, actor.scene.shape)
        x, y, _, visible = locate(clip, actor, np.array(padded))
        inside = (visible > 0) & (x >= 0) & (x < clip.extent[0])
        inside &= (y >= 0) & (y < clip.extent[1])
        for k in range(len(padded)):
            mine = (cells[k // 2, :, :, k % 2] == kind + 1).nonzero().tolist()
            if not inside[k]:
                assert mine == []
            elif mine:  # else another object's centre lies in the same cell, in front
                row, column = int(y[k] / clip.extent[1] * 4), int(x[k] / clip.extent[0] * 4)
                assert mine == [[row, column]]
        met = labels.met[:, kind].tolist()
        assert met == sorted(met)
        assert met[-1] == bool(inside.any())
        if met[-1]:
            assert labels.motion[-1, kind] == world.MOTIONS.index(actor.scene.motion)


@few
@given(seeds)
def test_labels_say_how_long_ago_an_event_was(seed):
    clip = draw(seed)
    seconds = np.array(pick_frames(clip, SETTINGS.sampling)) / clip.rate
    labels = label_clip(clip, seconds, (-(-len(seconds) // 2), 8, 8))
    ends = [float(seconds[k : k + 2][-1]) for k in range(0, len(seconds), 2)]
    for actor in clip.actors:
        kind = name_kind(actor.scene.colour, actor.scene.shape)
        for number, event in enumerate(EVENTS):
            times = [e.seconds for e in list_events(clip, actor) if e.kind == event]
            for block, end in enumerate(ends):
                said = float(labels.since[block, kind, number])
                latest = max((t for t in times if t <= end), default=-np.inf)
                ago = (end - latest) / BLOCK
                if abs(ago - RECENT) > 1e-6:
                    assert (said == pytest.approx(ago, abs=1e-5)) if ago < RECENT else said != said
    there = {name_kind(a.scene.colour, a.scene.shape) for a in clip.actors}
    absent = [k for k in range(labels.since.shape[1]) if k not in there]
    assert labels.since[:, absent].isnan().all()
