"""Draws clips once, as the reader will see them, in the shards of shards.py.

`python -m training.spotter.cache --shards 12 --workers 2`.
"""

import argparse
import json
import time
from collections.abc import Iterable, Iterator
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from rushes.readers.qwen3vl_video import resize_clip
from training.spotter.render import pick_frames, show_clip
from training.spotter.scenes import Clip, sample_clip
from training.spotter.settings import SETTINGS
from training.spotter.shards import CACHE, Item
from training.spotter.soften import AS_SPRITE, load_vae, soften

SHARD = 1000  # clips
SEED = 70_000
COUNTS = (0.03, 0.30, 0.47, 0.20)  # shares of clips with 0 to 3 objects; several are what is hard


def look_at(clip: Clip, pictures: np.ndarray) -> Item:
    """Pictures (frames, height, width, 3) uint8, sampled and resized as the reader does."""
    picks = pick_frames(clip, SETTINGS.sampling)
    shown = torch.from_numpy(pictures[picks]).permute(0, 3, 1, 2).contiguous()
    frames = resize_clip(shown, SETTINGS).numpy()
    return Item(clip, frames, [k / clip.rate for k in picks])


def write_items(items: Iterable[Item], index: int, folder: Path) -> None:
    """One shard; the clips' file is written last."""
    pieces, rows, at = [], [], 0
    for item in items:
        rows.append(
            {
                "clip": item.clip.to_dict(),
                "at": at,
                "shape": item.frames.shape,
                "seconds": item.seconds,
            }
        )
        pieces.append(item.frames.reshape(-1))
        at += pieces[-1].size
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"frames_{index:03d}.tmp.npy"
    np.save(fresh, np.concatenate(pieces))
    fresh.rename(folder / f"frames_{index:03d}.npy")
    text = folder / f"clips_{index:03d}.tmp"
    text.write_text(json.dumps(rows))
    text.rename(folder / f"clips_{index:03d}.json")


def draw_items(rng: np.random.Generator, size: int, softened: float) -> Iterator[Item]:
    """Clips as they are rendered, or as sprite's VAE shows them."""
    vae = load_vae()
    for _ in range(size):
        if rng.random() < softened:
            clip = sample_clip(rng, **AS_SPRITE)
            yield look_at(clip, soften(clip, vae))
        else:
            clip = sample_clip(rng, count=rng.choice(len(COUNTS), p=COUNTS))
            yield look_at(clip, show_clip(clip))


def write_shard(index: int, folder: Path, size: int, softened: float) -> None:
    """One shard, drawn from its own seed."""
    torch.set_num_threads(1)
    begin = time.time()
    rng = np.random.default_rng(SEED + index)
    write_items(draw_items(rng, size, softened), index, folder)
    print(f"shard {index}: {time.time() - begin:.0f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=int, default=12)
    parser.add_argument("--first", type=int, default=0, help="shard; those before it are not made")
    parser.add_argument("--size", type=int, default=SHARD)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--softened", type=float, default=0.08, help="share of the clips as sprite's VAE shows them"
    )
    parser.add_argument("--folder", type=Path, default=CACHE)
    args = parser.parse_args()
    wanted = range(args.first, args.shards)
    missing = [k for k in wanted if not (args.folder / f"clips_{k:03d}.json").exists()]
    write = partial(write_shard, folder=args.folder, size=args.size, softened=args.softened)
    with get_context("spawn").Pool(args.workers) as pool:
        for _ in pool.imap_unordered(write, missing):
            pass


if __name__ == "__main__":
    main()
