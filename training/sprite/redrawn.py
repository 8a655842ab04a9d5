"""Clips of the transformer's own, and what they would look like if they were drawn rightly.

What a clip shows moves as it should and wavers in its outline. A scene is fitted to the track that
the oracle's eyes follow, with the shape that the prompt asked for; drawn along that track it is
what the decoder should have made of these latents. No held-out triple is among them. A shard holds
`video (N, 64, 9, 4, 4) float16`, not normalised, the fitted scenes as dicts, and `places (N, 4, 33)
float32`: x, y, radius and visibility in every frame.
`python -m training.sprite.redrawn --shards 8 --workers 2`.
"""

import argparse
import time
from collections import Counter
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
from training.sprite.prompts import write_plain

SHARD, BATCH = 160, 16
# shares of world.MOTIONS: more of what is drawn too early or too late, blinks above all
MOTIONS = (0.12, 0.2, 0.28, 0.16, 0.14, 0.1)
NEAR = 2.5  # units: the median distance of a track from its scene
FAR = 4.0  # units: a track that is farther off in a frame shows something else there
SMOOTH = 1.0  # frames: the deviation of what a wavering is smoothed with
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


def redraw(scene: world.Scene, pictures: np.ndarray) -> tuple[world.Scene, np.ndarray] | None:
    """The scene as pictures (F, H, H, 3) uint8 show it, but for its shape, and its places (4, F) in
    them; None where colour, background or motion are others, or nothing fits."""
    seen = eyes.see(pictures)
    track, shown = seen.track, (seen.background, seen.colour, seen.motion)
    if track.whole.sum() < LEAST or shown != (scene.background, scene.colour, scene.motion):
        return None
    start = _begin(scene, track)
    fitted = _fit_blinks(start, track) if scene.motion == "blinks" else _fit_motion(start, track)
    return (fitted, _place(fitted, track)) if fitted else None


def _place(scene: world.Scene, track: eyes.Track) -> np.ndarray:
    """(4, F): where the scene is, moved to where the track is, as far as that is one path."""
    x, y, radius, visible = world.track(scene, np.arange(len(track.x)) / world.FPS)
    if scene.motion == "blinks":
        visible = is_there(track)
    low = eyes.LOWER[scene.shape] * radius
    return np.stack([x + _nearby(track.x - x, track), y + _nearby(track.y - low - y, track),
                     radius, visible]).astype(np.float32)  # fmt: skip


def is_there(track: eyes.Track) -> np.ndarray:
    """(F,) bool: in which frames a blinking shape is there by more than half. The oracle sees also
    the shade of one that is about to come; drawn whole, it would come early."""
    there = track.area > 0.5 * np.median(track.area[track.seen])
    return median_filter(there, FLICKER, mode="nearest")


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


def _fit_motion(scene: world.Scene, track: eyes.Track) -> world.Scene | None:
    """The best of several fits, by distances that count less the larger they are."""
    names, frames = FREE[scene.motion], np.flatnonzero(track.whole)

    def move(values: np.ndarray, start: world.Scene) -> world.Scene:
        return replace(start, **dict(zip(names, map(float, values), strict=True)))

    def off(start: world.Scene) -> np.ndarray:
        x, y, radius, _ = world.track(start, frames / world.FPS)
        out = [x - track.x[frames], y + eyes.LOWER[scene.shape] * radius - track.y[frames]]
        if scene.motion == "pulses":
            out.append(radius - np.sqrt(track.area[frames] / eyes.AREAS[scene.shape]))
        return np.concatenate(out)

    starts = sorted(_starts(scene), key=lambda s: np.abs(off(s)).clip(max=8).mean())
    fits = [
        (least_squares(lambda v, s=s: off(move(v, s)), [getattr(s, n) for n in names],
                       loss="soft_l1", f_scale=0.7), s)
        for s in starts[:STARTS]
    ]  # fmt: skip
    best, start = min(fits, key=lambda fit: fit[0].cost)
    fitted = move(best.x, start)
    far = np.hypot(*off(fitted).reshape(-1, len(frames))[:2])
    return fitted if np.median(far) < NEAR and fitted.period > 0 else None


def _fit_blinks(scene: world.Scene, track: eyes.Track) -> world.Scene | None:
    """The rhythm that misses fewest frames; the middle one of those that miss as few."""
    frames = np.arange(len(track.seen)) / world.FPS
    slow, fast = world.PERIODS["blinks"]
    tried = [
        replace(scene, period=float(period), phase=float(phase))
        for period in np.geomspace(fast * 0.85, slow * 1.15, 60)
        for phase in np.linspace(0, 1, 48, endpoint=False)
    ]
    there = is_there(track)
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
        video, _ = maker.generate([write_plain(s, with_speed=True) for s in scenes])
        for scene, latents, pictures in zip(scenes, video, maker.show(video), strict=True):
            redrawn = redraw(scene, pictures)
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
