"""Clips of the transformer's own, and what they would look like if they were drawn rightly.

What a clip shows moves as it should and wavers in its outline. A scene is fitted to the track that
the oracle's eyes follow, with the shape that the prompt asked for; drawn along that track it is
what the decoder should have made of these latents. What is heard says when: a sound lies where its
event was meant, and the picture of it may be a frame off. No held-out triple is among them. A shard
holds `video (N, 64, 9, 4, 4) float16`, not normalised, the fitted scenes as dicts, and `places (N,
4, 33) float32`: x, y, radius and visibility in every frame.
`python -m training.sprite.redrawn --shards 8 --workers 2`.
"""

import argparse
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from itertools import product
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d, median_filter
from scipy.optimize import least_squares

from training.sprite import oracle_picture as eyes
from training.sprite import world
from training.sprite.cache import CACHE, save
from training.sprite.choose import Maker, draw_scenes
from training.sprite.oracle_sound import find_onsets
from training.sprite.prompts import write_plain

SHARD, BATCH = 160, 16
# shares of world.MOTIONS: more of what is drawn too early or too late, blinks above all
MOTIONS = (0.12, 0.2, 0.28, 0.16, 0.14, 0.1)
NEAR = 2.5  # units: the median distance of a track from its scene
FAR = 4.0  # units: a track that is farther off in a frame shows something else there
SMOOTH = 2.0  # frames: the deviation of what a wavering is smoothed with
LATE = 2  # frames: the most that a sound and its picture lie apart
GRAIN = 0.1  # frames: how well it is known when a sound begins
CUE = 10.0  # of a distance from a wall when one is heard to be met; one of a frame counts 1
LEAST = 6  # frames in which the shape is whole
FLICKER = 5  # frames: what comes or goes for less than half of them is no blink
MISSED = 2  # frames of a clip in which a blinking shape may be there when it should not, or not be
PERIODS, PHASES = 7, 16  # where a fit begins: of the motion's range, and of a cycle
STARTS = 4  # of these, the best are followed
FREE = {
    "bounces": ("x", "y", "extent", "period", "phase"),
    "slides": ("x", "y", "extent", "period", "phase"),
    "orbits": ("x", "y", "extent", "period", "phase"),
    "pulses": ("x", "y", "radius", "period", "phase"),
    "rises": ("x", "extent", "period", "phase"),
}


def redraw(
    scene: world.Scene, pictures: np.ndarray, heard: Sequence[float] = ()
) -> tuple[world.Scene, np.ndarray] | None:
    """The scene as pictures (F, H, H, 3) uint8 show it, but for its shape, and its places (4, F) in
    them; None where colour, background or motion are others, or nothing fits.

    Args:
        heard: seconds at which sounds of the motion's kind begin.
    """
    seen = eyes.see(pictures)
    track, shown = seen.track, (seen.background, seen.colour, seen.motion)
    if track.whole.sum() < LEAST or shown != (scene.background, scene.colour, scene.motion):
        return None
    start = _begin(scene, track)
    there = is_there(track, heard) if scene.motion == "blinks" else None
    fitted = _fit_motion(start, track, heard) if there is None else _fit_blinks(start, there)
    return (fitted, _place(fitted, track, there)) if fitted else None


def _place(scene: world.Scene, track: eyes.Track, there: np.ndarray | None) -> np.ndarray:
    """(4, F): where the scene is, moved to where the track is, as far as that is one path."""
    x, y, radius, visible = world.track(scene, np.arange(len(track.x)) / world.FPS)
    if there is not None:
        visible = there
    low = eyes.LOWER[scene.shape] * radius
    return np.stack([x + _nearby(track.x - x, track), y + _nearby(track.y - low - y, track),
                     radius, visible]).astype(np.float32)  # fmt: skip


def is_there(track: eyes.Track, heard: Sequence[float] = ()) -> np.ndarray:
    """(F,) bool: in which frames a blinking shape is there by more than half, from the first after
    its sound begins where one is heard within LATE frames. The oracle sees also the shade of one
    that is about to come; drawn whole, it would come early."""
    there = track.area > 0.5 * np.median(track.area[track.seen])
    there = median_filter(there, FLICKER, mode="nearest")
    for came in np.flatnonzero(there[1:] & ~there[:-1]) + 1:
        near = [math.ceil(t * world.FPS + off) for t in heard for off in (-GRAIN, GRAIN)]
        first = min(near, key=lambda frame: abs(frame - came), default=came)
        if abs(first - came) <= LATE:
            there[min(first, came) : max(first, came)] = first < came
    return there


def _nearby(off: np.ndarray, track: eyes.Track) -> np.ndarray:
    """Differences (F,) without those that are no wavering of one path, smoothed: where a track
    turns is seen worse in one frame than in several (as sounds tell, which are made with it)."""
    good = track.whole & (np.abs(np.where(track.whole, off, 0)) < FAR)
    frames = np.arange(len(off))
    if not good.any():
        return np.zeros(len(off))
    steady = median_filter(np.interp(frames, frames[good], off[good]), 3, mode="nearest")
    return gaussian_filter1d(steady, SMOOTH, mode="nearest")


def _begin(scene: world.Scene, track: eyes.Track) -> world.Scene:
    """Place, reach and size to begin a fit from."""
    x, y = track.x[track.whole], track.y[track.whole]
    radius = float(np.median(np.sqrt(track.area[track.whole] / eyes.AREAS[scene.shape])))
    y = y - eyes.LOWER[scene.shape] * radius
    left, right, top, bottom = (float(v) for v in (x.min(), x.max(), y.min(), y.max()))
    seen = replace(scene, radius=radius, x=float(np.median(x)), y=float(np.median(y)))
    if scene.motion == "bounces":
        return replace(seen, y=bottom, extent=bottom - top)
    if scene.motion == "slides":
        return replace(seen, x=(left + right) / 2, extent=(right - left) / 2, direction=1)
    if scene.motion == "orbits":
        reach = (right - left + bottom - top) / 4
        return replace(seen, x=(left + right) / 2, y=(top + bottom) / 2, extent=reach)
    if scene.motion == "rises":
        half = world.SIZE / 2
        return replace(seen, y=half, extent=half + radius)
    return seen


def _starts(scene: world.Scene) -> list[world.Scene]:
    slow, fast = world.PERIODS[scene.motion]
    return [
        replace(scene, period=float(period), phase=float(phase), direction=direction)
        for period, phase, direction in product(
            np.geomspace(fast * 0.85, slow * 1.15, PERIODS),
            np.linspace(0, 1, PHASES, endpoint=False),
            (1, -1) if scene.motion == "orbits" else (1,),
        )
    ]


def _fit_motion(
    scene: world.Scene, track: eyes.Track, heard: Sequence[float]
) -> world.Scene | None:
    """The best of several fits, by distances that count less the larger they are."""
    frames = np.flatnonzero(track.whole)

    def off(start: world.Scene) -> np.ndarray:
        x, y, radius, _ = world.track(start, frames / world.FPS)
        out = [x - track.x[frames], y + eyes.LOWER[scene.shape] * radius - track.y[frames]]
        if scene.motion == "pulses":
            out.append(radius - np.sqrt(track.area[frames] / eyes.AREAS[scene.shape]))
        return np.concatenate(out)

    starts = sorted(_starts(scene), key=lambda s: np.abs(off(s)).clip(max=8).mean())
    _, fitted = min((_follow(s, off) for s in starts[:STARTS]), key=lambda fit: fit[0])
    if scene.motion == "slides":
        fitted = _turn(fitted, off, heard)
    far = np.hypot(*off(fitted)[: 2 * len(frames)].reshape(2, -1))
    return fitted if np.median(far) < NEAR and fitted.period > 0 else None


def _turn(
    fitted: world.Scene, off: Callable[[world.Scene], np.ndarray], heard: Sequence[float]
) -> world.Scene:
    """A slide fitted once more, by distances also from a wall when one is heard to be met."""
    events = [t for t, _ in world.list_events(fitted)]
    late = LATE / world.FPS
    cues = np.array([t for t in heard if any(abs(t - event) <= late for event in events)])

    def off_cues(scene: world.Scene) -> np.ndarray:
        away = scene.extent - np.abs(world.track(scene, cues)[0] - scene.x)
        return np.concatenate([off(scene), CUE * away])

    return _follow(fitted, off_cues)[1] if len(cues) else fitted


def _follow(
    start: world.Scene, off: Callable[[world.Scene], np.ndarray]
) -> tuple[float, world.Scene]:
    """The cost and the scene of a fit from here."""
    names = FREE[start.motion]

    def move(values: np.ndarray) -> world.Scene:
        return replace(start, **dict(zip(names, map(float, values), strict=True)))

    best = least_squares(
        lambda v: off(move(v)), [getattr(start, n) for n in names], loss="soft_l1", f_scale=0.7
    )
    return float(best.cost), move(best.x)


def _fit_blinks(scene: world.Scene, there: np.ndarray) -> world.Scene | None:
    """The rhythm that misses fewest frames; the middle one of those that miss as few."""
    frames = np.arange(len(there)) / world.FPS
    slow, fast = world.PERIODS["blinks"]
    tried = [
        replace(scene, period=float(period), phase=float(phase))
        for period in np.geomspace(fast * 0.85, slow * 1.15, 60)
        for phase in np.linspace(0, 1, 48, endpoint=False)
    ]
    missed = [int(((world.track(s, frames)[3] > 0) != there).sum()) for s in tried]
    least = min(missed)
    if least > MISSED:
        return None
    good = [s for s, count in zip(tried, missed, strict=True) if count == least]
    return good[len(good) // 2]


def write_shard(index: int) -> None:
    """`redrawn_NNN.pt`."""
    torch.set_num_threads(1)
    begin, maker, tally = time.time(), Maker(), Counter()
    rng = np.random.default_rng(50_000 + index)
    torch.manual_seed(50_000 + index)
    videos, places, kept = [], [], []
    for _ in range(SHARD // BATCH):
        scenes = draw_scenes(rng, BATCH, MOTIONS)
        video, audio = maker.generate([write_plain(s, with_speed=True) for s in scenes])
        shown = zip(scenes, video, maker.show(video), maker.sound(audio), strict=True)
        for scene, latents, pictures, wave in shown:
            redrawn = redraw(scene, pictures, find_onsets(wave, scene.motion))
            if redrawn is None:
                tally[scene.motion] += 1
                continue
            videos.append(latents.half())
            kept.append(asdict(redrawn[0]))
            places.append(torch.from_numpy(redrawn[1]))
    shard = {"video": torch.stack(videos), "places": torch.stack(places), "scenes": kept}
    save(shard, path_of(index))
    print(
        f"{index}: {len(kept)} of {SHARD} in {time.time() - begin:.0f} s, not {dict(tally)}",
        flush=True,
    )


def path_of(index: int) -> Path:
    return CACHE / f"redrawn_{index:03d}.pt"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    wanted = range(args.first, args.first + args.shards)
    missing = [k for k in wanted if not path_of(k).exists()]
    with get_context("spawn").Pool(args.workers) as pool:
        for _ in pool.imap_unordered(write_shard, missing):
            pass


if __name__ == "__main__":
    main()
