"""Trains spotter's vision tower alone, on pairs of frames from as many clips as there are.

What a picture shows is learned best from many different pictures: one pair of frames a clip, not a
clip's whole length. Two linear layers read from the tokens what lies where: `sight`, which the
training of the reader goes on with, and `cover`, which names the colour and the shape of whatever
touches a cell, so that every part of an object counts. Resumable, and the reader's training starts
from its result: `python -m training.spotter.train_eyes --minutes 40`.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from rushes.readers.qwen3vl_video import cut_patches, normalise_clip
from training.devices import add_options, check_workers, compute, feed, move
from training.spotter import parts
from training.spotter.labels import Cells, label_cells
from training.spotter.model import ADAM, Eyes
from training.spotter.settings import SETTINGS
from training.spotter.shards import CACHE, RUNS, Shards
from training.sprite.checkpoints import Ema, load, save
from training.sprite.muon import Both
from training.sprite.workers import average, run_workers, wait_for_all

SEED = 37
OUT = RUNS / "eyes"


@dataclass(frozen=True)
class Pairs:
    """Frame pairs of several clips: what the tower reads, and the truth of all their cells."""

    pixels: torch.Tensor
    grids: torch.Tensor
    truth: Cells


def draw_pairs(shards: Shards, rng: np.random.Generator, count: int) -> Pairs:
    """One pair each of `count` random clips, half of them mirrored."""
    pixels, grids, truths = [], [], []
    for k in rng.integers(len(shards), size=count):
        item = shards.load(int(k))
        blocks = max(1, len(item.frames) // parts.DEPTH)
        at = int(rng.integers(blocks)) * parts.DEPTH
        frames = torch.from_numpy(np.array(item.frames[at : at + parts.DEPTH]))
        cut = cut_patches(normalise_clip(frames, SETTINGS), SETTINGS)
        cells = label_cells(item.clip, np.array(item.seconds[at : at + parts.DEPTH]), cut.grid)
        if rng.random() < 0.5:
            cut = cut_patches(normalise_clip(frames.flip(-1), SETTINGS), SETTINGS)
            cells = cells.mirror()
        pixels.append(cut.values)
        grids.append(cut.grid)
        truths.append(cells.flatten())
    return Pairs(torch.cat(pixels), torch.tensor(grids), Cells.join(truths))


def train(rank: int, args: argparse.Namespace) -> None:
    """One of `args.workers` processes, each with its share of the batch."""
    torch.manual_seed(SEED)
    model = Eyes().to(args.device)
    optimiser, ema = Both(model, args.rate, ADAM), Ema(model)
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "last.pt"
    state = load(path, model, ema, optimiser)
    wait_for_all()
    shards, saved_at = Shards(args.cache), time.time()
    begin, done = time.time() - state["seconds"], state["seconds"] / (args.minutes * 60)
    sums: dict[str, list[torch.Tensor]] = {}

    def draw(step: int) -> Pairs:
        rng = np.random.default_rng((SEED, step, rank))
        return draw_pairs(shards, rng, args.batch // args.workers)

    batches = feed(draw, state["step"], args.feeders)
    while done < 1:
        step = state["step"]
        rate = args.rate * min(1, (step + 1) / 100) * min(1, (1 - done) / args.decay + 0.01)
        optimiser.set_rate(rate)
        drawn = move(next(batches), args.device)
        optimiser.zero_grad()
        with compute(args.device):
            out = model(drawn.pixels, drawn.grids, drawn.truth)
        (out["sight"] + out["colour"] + out["shape"]).backward()
        done = average(model, (time.time() - begin) / (args.minutes * 60))
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        state = {"step": step + 1, "seconds": time.time() - begin}
        ema.update(model, step + 1)
        for name, value in out.items():
            sums.setdefault(name, []).append(value.detach())
        if rank == 0 and state["step"] % args.every == 0:
            line = "  ".join(f"{n} {torch.stack(v).mean():.3f}" for n, v in sums.items())
            print(f"{state['seconds']:6.0f} s  step {state['step']}  {line}", flush=True)
            sums.clear()
        if rank == 0 and time.time() - saved_at > 120:
            saved_at = time.time()
            save(path, model, ema, optimiser, state)
    if rank == 0:
        save(path, model, ema, optimiser, state)


def parse(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument("--minutes", type=float, default=40, help="of the wall clock")
    parser.add_argument("--batch", type=int, default=96, help="pairs, of all workers together")
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--decay", type=float, default=0.5, help="last share, rate falls")
    parser.add_argument("--every", type=int, default=25, help="steps between two lines")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--out", type=Path, default=OUT)
    return parser.parse_args(words)


def main() -> None:
    args = parse()
    check_workers(args.device, args.workers)
    run_workers(train, args, args.workers)


if __name__ == "__main__":
    main()
