"""Clips that sprite remade, with the shape that the oracle sees in them.

Of a cross that came out as a knot, a reader that knows only clean shapes says what was meant. Here
rendered scenes are noised and denoised again by sprite: places and times stay what they were, and
outlines get the flaws of what it generates. The truth of such a clip is the scene's, but for the
shape, which is the oracle's. Clips in which it sees something else changed are left out, and so are
those that became a held-out triple. Shards as of cache.py, from number 900:
`python -m training.spotter.remade --shards 4 --workers 2`.
"""

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from training.spotter.cache import look_at, write_items
from training.spotter.render import pass_codec
from training.spotter.scenes import Actor, Clip, Look
from training.spotter.shards import CACHE, Item
from training.spotter.soften import CRF
from training.sprite import oracle_picture as eyes
from training.sprite import world
from training.sprite.choose import Maker, draw_scenes

FIRST, SHARD, BATCH = 900, 96, 16
STEPS = (6, 7, 8)  # of the maker's last: from noise of 0.80, 0.85 and 0.89
NEAR = 2.5  # units: how far an object may have moved from where it was drawn, in the median
SURE = 0.03  # of the oracle's confidence in a shape


def find_truth(scene: world.Scene, pictures: np.ndarray) -> world.Scene | None:
    """The scene with the shape that is seen, or None where anything else is not as it was."""
    seen = eyes.see(pictures)
    track, shown = seen.track, (seen.background, seen.colour, seen.motion)
    if shown != (scene.background, scene.colour, scene.motion):
        return None
    if eyes.judge_speed(track, scene.motion)[0] != scene.speed:
        return None
    x, y, radius, _ = world.track(scene, np.arange(len(pictures)) / world.FPS)
    y = y + eyes.LOWER[scene.shape] * radius
    off = np.hypot(track.x - x, track.y - y)[track.whole]
    shape, sure = eyes.judge_shape(track)
    if shape is None or sure < SURE or not len(off) or np.median(off) > NEAR:
        return None
    held_out = world.is_held_out(scene.colour, shape, scene.motion)
    return None if held_out else replace(scene, shape=shape)


def draw_items(maker: Maker, index: int, tally: Counter) -> Iterator[Item]:
    """One shard's; `tally` counts what was meant and is seen."""
    rng = np.random.default_rng(80_000 + index)
    torch.manual_seed(80_000 + index)
    for _ in range(SHARD // BATCH):
        scenes = draw_scenes(rng, BATCH)
        video, _ = maker.remake(scenes, int(rng.choice(STEPS)))
        for scene, pictures in zip(scenes, maker.show(video), strict=True):
            shown = pass_codec(np.ascontiguousarray(pictures), world.FPS, CRF)
            seen = find_truth(scene, shown)
            tally[(scene.shape, seen.shape if seen else None)] += 1
            if seen is None:
                continue
            size = shown.shape[1]
            actor = Actor(seen, 0.0, len(shown) / world.FPS)
            clip = Clip((actor,), seen.background, len(shown), world.FPS, size, size, Look(crf=CRF))
            yield look_at(clip, shown)


def write_shard(index: int, folder: Path) -> None:
    torch.set_num_threads(1)
    begin, tally = time.time(), Counter()
    write_items(draw_items(Maker(), index, tally), index, folder)
    told = ", ".join(f"{was}->{now}: {n}" for (was, now), n in sorted(tally.items(), key=str))
    print(f"shard {index}: {time.time() - begin:.0f} s; {told}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=CACHE)
    args = parser.parse_args()
    wanted = range(FIRST, FIRST + args.shards)
    missing = [k for k in wanted if not (args.folder / f"clips_{k:03d}.json").exists()]
    with get_context("spawn").Pool(args.workers) as pool:
        for _ in pool.imap_unordered(partial(write_shard, folder=args.folder), missing):
            pass


if __name__ == "__main__":
    main()
