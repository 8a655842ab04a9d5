"""Trains spotter on the cached clips, with fresh questions every time a clip comes up.

The vision tower is that of train_eyes.py and stays as it is, but for what leads into deeper layers.
Two phases share the time: simple (clips of one object at most), all. Resumable:
`python -m training.spotter.train_reader --minutes 100`.
"""

import argparse
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedTokenizerFast

from rushes.readers.qwen3vl_video import cut_patches, normalise_clip
from training.devices import add_options, check_workers, compute, feed, move
from training.spotter import parts
from training.spotter.labels import Labels, join_labels, label_clip
from training.spotter.model import ADAM, Spotter
from training.spotter.questions import GENERATED, TRAINED, Question, draw_questions, say_time
from training.spotter.sequences import Batch, Writer, join_sequences
from training.spotter.settings import SETTINGS
from training.spotter.shards import CACHE, RUNS, Shards
from training.spotter.tally import Tally
from training.spotter.tokenizer import train_tokenizer
from training.spotter.train_eyes import OUT as EYES
from training.sprite.checkpoints import Ema, load, save
from training.sprite.muon import Both
from training.sprite.workers import average, run_workers, wait_for_all

SEED = 31
SIMPLE = 0.15  # of the time, when this phase ends
STORY_WEIGHT, DATES_WEIGHT = 0.3, 0.5
POOL = 8  # batches whose clips are sorted by length together, so that little is padded
SHIFTED, SHIFT = 0.35, 6.0  # share of the clips taken to lie later in a longer one; seconds


@dataclass(frozen=True)
class Draw:
    """One worker's share of a batch."""

    batch: Batch
    truth: Labels
    questions: list[list[Question]]


class Data:
    """Draws batches; all workers draw the same clips and take their own of them."""

    def __init__(self, folder: Path, writer: Writer) -> None:
        self.shards = Shards(folder)
        self.writer = writer
        self.lengths = self.shards.count_frames()
        self.simple = np.flatnonzero(self.shards.count_actors() <= 1)

    def pick(self, step: int, batch: int, *, simple: bool) -> np.ndarray:
        """The clips of a step, of all workers together, about equally long."""
        rng = np.random.default_rng((SEED, step // POOL, simple))
        pool = self.simple if simple else np.arange(len(self.shards))
        picks = pool[rng.integers(len(pool), size=batch * POOL)]
        picks = picks[np.argsort(self.lengths[picks], kind="stable")]
        return picks.reshape(POOL, batch)[rng.permutation(POOL)[step % POOL]]

    def draw(self, picks: np.ndarray, rng: np.random.Generator, asked: int) -> Draw:
        """Fresh questions about the picked clips."""
        sequences, truths, questions, pixels, grids = [], [], [], [], []
        for k in picks:
            item = self.shards.load(int(k))
            frames = torch.from_numpy(np.array(item.frames))
            cut = cut_patches(normalise_clip(frames, SETTINGS), SETTINGS)
            shift = float(rng.uniform(0, SHIFT)) if rng.random() < SHIFTED else 0.0
            kinds = TRAINED if item.clip.meant is None else GENERATED
            about = draw_questions(item.clip, rng, asked, kinds=kinds, teaching=True)
            mine = [delay(q, shift) for q in about]
            seconds = [s + shift for s in item.seconds]
            sequences.append(self.writer.write(seconds, cut.grid, mine))
            truths.append(label_clip(item.clip, np.array(item.seconds), cut.grid))
            questions.append(mine)
            pixels.append(cut.values)
            grids.append(cut.grid)
        batch = join_sequences(sequences, torch.cat(pixels), grids)
        return Draw(batch, join_labels(truths), questions)


def delay(question: Question, shift: float) -> Question:
    """The same question about a clip that begins `shift` seconds later."""
    dated = tuple((words, seconds + shift) for words, seconds in question.dated)
    question = replace(question, dated=dated)
    if question.seconds is None:
        return question
    seconds = question.seconds + shift
    return replace(question, seconds=seconds, answer=say_time(seconds))


def take_step(model: Spotter, drawn: Draw, device: str = "cpu") -> dict[str, torch.Tensor]:
    """Losses with their gradients; `sight` is only watched."""
    with compute(device):
        out = model(move(drawn.batch, device), move(drawn.truth, device))
    (out["answer"] + STORY_WEIGHT * out["story"] + DATES_WEIGHT * out["dates"]).backward()
    return move(out, "cpu") if device != "cpu" else out


def begin_model(args: argparse.Namespace, tokenizer: PreTrainedTokenizerFast) -> Spotter:
    """Over the eyes that were trained alone, or from an exported reader."""
    model = Spotter(tokenizer)
    if args.from_weights:
        model.take_weights(args.from_weights)
    else:
        model.take_eyes(args.eyes / "last.pt")
    return model.to(args.device)


def train(rank: int, args: argparse.Namespace) -> None:
    """One of `args.workers` processes, each with its share of the batch."""
    torch.manual_seed(SEED)
    tokenizer = train_tokenizer()
    model = begin_model(args, tokenizer)
    optimiser, ema = Both(model, args.rate, ADAM), Ema(model)
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "last.pt"
    state = load(path, model, ema, optimiser)
    wait_for_all()
    data = Data(args.cache, Writer(tokenizer))
    tally, saved_at = Tally(tokenizer, 1 / parts.FPS), time.time()
    begin, done = time.time() - state["seconds"], state["seconds"] / (args.minutes * 60)
    if rank == 0:
        print(f"{len(data.shards)} clips, from step {state['step']}", flush=True)

    def draw(step: int, simple: bool) -> Draw:
        picks = data.pick(step, args.batch, simple=simple)[rank :: args.workers]
        return data.draw(picks, np.random.default_rng((SEED, step, rank)), args.questions)

    simple = done < SIMPLE and not args.from_weights
    batches = feed(partial(draw, simple=simple), state["step"], args.feeders)
    while done < 1:
        if simple and done >= SIMPLE:
            simple = False
            batches = feed(partial(draw, simple=False), state["step"], args.feeders)
        rate = args.rate * min(1, (state["step"] + 1) / 100)
        optimiser.set_rate(rate * min(1, (1 - done) / args.decay + 0.01))
        drawn = next(batches)
        optimiser.zero_grad()
        out = take_step(model, drawn, args.device)
        done = average(model, (time.time() - begin) / (args.minutes * 60))
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        state = {"step": state["step"] + 1, "seconds": time.time() - begin}
        ema.update(model, state["step"])
        tally.add(drawn.batch, drawn.questions, out)
        if rank == 0 and state["step"] % args.every == 0:
            print(f"{state['seconds']:6.0f} s  step {state['step']}  {tally.report()}", flush=True)
        if rank == 0 and time.time() - saved_at > 150:
            saved_at = time.time()
            save(path, model, ema, optimiser, state)
    if rank == 0:
        save(path, model, ema, optimiser, state)


def parse(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument("--minutes", type=float, default=100, help="of the wall clock")
    parser.add_argument("--batch", type=int, default=16, help="clips, of all workers together")
    parser.add_argument("--questions", type=int, default=14, help="about each clip")
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument(
        "--decay", type=float, default=0.35, help="last share of the time, rate falls"
    )
    parser.add_argument("--every", type=int, default=50, help="steps between two lines")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--eyes", type=Path, default=EYES, help="where train_eyes left its result")
    parser.add_argument(
        "--from-weights", type=Path, help="an exported reader to go on from, instead of the eyes"
    )
    parser.add_argument("--out", type=Path, default=RUNS / "reader")
    return parser.parse_args(words)


def main() -> None:
    args = parse()
    check_workers(args.device, args.workers)
    run_workers(train, args, args.workers)


if __name__ == "__main__":
    main()
