"""Trains the decoder alone: `python -m training.sprite.train_decoder`. Resumable.

Two batches in five are rendered scenes, half of their latents a little off, their first frames
counted once more (a picture that is given is one). The others are latents that the transformer
made, beside what they should have been drawn as (redrawn.py): what a shape is can be read from
these, though its outline wavers. Errors of pixels taught none of it in 2,600 steps. What did: to
name the shape early in the decoder, and to be held to the shape meant rather than to the three
others at the same place. What is made is also encoded again and held to what the truth is encoded
as: a blurred outline costs few pixels and much of that. Squares of errors are left out where
latents leave open what is to be drawn, so that it need not be the mean; it changed little.
"""

import argparse
from dataclasses import dataclass

import numpy as np
import torch
from diffusers import AutoencoderKLLTX2Video
from torch import nn

from training.devices import check_workers
from training.sprite import oracle_picture as eyes
from training.sprite import world
from training.sprite.cache import CACHE, PIXELS, VAE_CONFIG
from training.sprite.noising import TIME
from training.sprite.package import load_part
from training.sprite.train_vae import (
    RUNS,
    add_training,
    build_vae,
    compare,
    draw_batch,
    draw_span,
    train,
    weigh,
)
from training.sprite.workers import run_workers

AGAIN_WEIGHT, NAMING_WEIGHT = 0.05, 0.1
OBJECT_WEIGHT = 12.0  # of pixels near the shape, besides 1
OFF = 0.25  # the most that latents are off, in their deviation
EXACT = 0.5  # share of rendered clips whose latents are not off: those that are given, above all
FIRST_WEIGHT = 0.3  # of errors of a rendered first frame once more: pictures that are given
FAST = 0.75  # share of fast scenes: they blur
REDRAWN = 0.6  # share of batches that the transformer made, where there are any
LIKENESS = 0.05  # of a shape's area: how much nearer the right shape should be than others
STRIDE = TIME.step  # frames a latent
SPANS = (9, 17)  # frames of a batch, by chance


class Decoding(nn.Module):
    """The decoder of a VAE, its encoder kept as it is.

    Beside it learns what is thrown away: a layer that names the shape from what the decoder has
    early on, wherever the shape is.
    """

    def __init__(self, vae: AutoencoderKLLTX2Video) -> None:
        super().__init__()
        self.vae = vae.train().to(memory_format=torch.channels_last_3d)
        vae.requires_grad_(False)
        vae.decoder.requires_grad_(True)
        block = vae.decoder.up_blocks[0]
        block.register_forward_hook(lambda _block, _given, out: setattr(self, "early", out))
        self.namer = nn.Conv3d(block.resnets[-1].conv2.conv.out_channels, len(world.SHAPES), 1)

    def forward(
        self,
        x: torch.Tensor,
        weight: torch.Tensor,
        shapes: torch.Tensor,
        made_of: torch.Tensor | None = None,
        rivals: "Rivals | None" = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The loss, and the share of places at which the shape is named rightly.

        Args:
            x, weight, shapes: true clips, the weights of their pixels, and what they show, as of
                `train_vae.draw_batch`.
            made_of: latents to be decoded as x; x's own, a little off, if not given.
            rivals: what other shapes would have covered, where the places are known.
        """
        with torch.no_grad():
            truth = self.vae.encode(x).latent_dist.mode()
        deviation = truth.std((0, 2, 3, 4), keepdim=True)
        if made_of is None:
            level = OFF * torch.rand(len(x), 1, 1, 1, 1, device=x.device)
            level = torch.where(torch.rand_like(level) < EXACT, 0, level)
            made_of = truth + level * deviation * torch.randn_like(truth)
        made = self.vae.decode(made_of).sample
        again = self.vae.encode(made).latent_dist.mode()
        off = (((again - truth) / deviation) ** 2).mean()
        naming, named = self.name(self.early, weight > 1, shapes)
        if rivals:
            naming = naming + rivals.compare(made, shapes)
            rec = compare(made, x, weight, 0.0)
        else:
            first = [v[:, :, :1] for v in (made, x, weight)]
            rec = compare(made, x, weight) + FIRST_WEIGHT * compare(*first)
        return rec + AGAIN_WEIGHT * off + NAMING_WEIGHT * naming, named

    def name(
        self, early: torch.Tensor, near: torch.Tensor, shapes: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Cross-entropy of the names wherever the shape is, or is about to be or has just been, and
        the share of them that is right."""
        frames = nn.functional.adaptive_max_pool3d(near.float(), (None, *early.shape[3:]))
        later = frames[:, :, 1:].unflatten(2, (-1, STRIDE)).amax(3)
        there = torch.cat([frames[:, :, :1], later], 2)[:, 0] > 0
        names = self.namer(early).movedim(1, -1)[there]
        truth = shapes.view(-1, 1, 1, 1).expand(there.shape)[there]
        naming = nn.functional.cross_entropy(names, truth, ignore_index=-1, reduction="sum")
        count = (truth >= 0).sum().clamp(min=1)
        return naming / count, (names.argmax(1) == truth).sum() / count


@dataclass(frozen=True)
class Rivals:
    """What every shape would cover at the same places: `covers` (B, 4, F, H, W) in [0, 1], over
    backgrounds `ground` (B, 3) in colours `ground + axis`, in [-1, 1]."""

    covers: torch.Tensor
    ground: torch.Tensor
    axis: torch.Tensor

    def compare(self, made: torch.Tensor, shapes: torch.Tensor) -> torch.Tensor:
        """Cross-entropy of naming the shape by what differs least from the clips (B, 3, F, H, W):
        of places that are a little off all four differ, and none is preferred for it."""
        axis, ground = (v[:, :, None, None, None] for v in (self.axis, self.ground))
        seen = ((made - ground) * axis).sum(1) / (axis * axis).sum(1)
        areas = self.covers.mean((1, 3, 4)).clamp(min=1e-6)  # (B, F)
        off = (seen[:, None] - self.covers).abs().mean((3, 4)) / areas[:, None]
        there = areas > 0.7 * areas.amax(1, keepdim=True).clamp(min=1e-3)
        truth = shapes[:, None].expand(there.shape)[there]
        likeness = -off.movedim(1, 2)[there] / LIKENESS
        naming = nn.functional.cross_entropy(likeness, truth, reduction="sum")
        return naming / there.sum().clamp(min=1)


@dataclass(frozen=True)
class Redrawn:
    """Latents (N, 64, 9, 4, 4) float16, and the scenes and places (N, 4, 33) to draw them along."""

    video: torch.Tensor
    places: np.ndarray
    scenes: list[world.Scene]

    @classmethod
    def load(cls) -> "Redrawn | None":
        """All shards there are."""
        shards = [torch.load(p, weights_only=True) for p in sorted(CACHE.glob("redrawn_*.pt"))]
        if not shards:
            return None
        return cls(
            torch.cat([s["video"] for s in shards]),
            torch.cat([s["places"] for s in shards]).numpy(),
            [world.Scene(**scene) for s in shards for scene in s["scenes"]],
        )

    def draw(
        self, rng: np.random.Generator, count: int, span: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, Rivals]:
        """What clips should be, the weights of their pixels, their shapes, the latents that they
        are of, and the rivals of what they show: pieces of `span` frames."""
        latents = (span - 1) // STRIDE + 1
        picks = rng.integers(len(self.scenes), size=count)
        firsts = rng.integers(self.video.shape[2] - latents + 1, size=count)
        clips, cuts, covers = [], [], []
        for k, first in zip(picks, firsts, strict=True):
            places = self.places[k][:, STRIDE * first : STRIDE * first + span]
            clips.append(world.render_track(self.scenes[k], tuple(places), PIXELS))
            covers.append(cover_all(self.scenes[k].shape, places))
            cuts.append(self.video[k, :, first : first + latents].float())
        scenes = [self.scenes[k] for k in picks]
        grounds = np.array([world.BACKGROUNDS[s.background] for s in scenes])
        colours = np.array([world.COLOURS[s.colour] for s in scenes])
        rivals = Rivals(
            torch.from_numpy(np.stack(covers)),
            torch.from_numpy(grounds).float() / 127.5 - 1,
            torch.from_numpy(colours - grounds).float() / 127.5,
        )
        shapes = torch.tensor([world.SHAPES.index(s.shape) for s in scenes])
        return *weigh(np.stack(clips), grounds, OBJECT_WEIGHT), shapes, torch.stack(cuts), rivals


def cover_all(shape: str, places: np.ndarray) -> np.ndarray:
    """(4, F, H, W): what each shape covers with the middle and area of `shape` at these places."""
    x, y, radius, visible = places
    middle = y + eyes.LOWER[shape] * radius
    out = []
    for other in world.SHAPES:
        size = radius * np.sqrt(eyes.AREAS[shape] / eyes.AREAS[other])
        out.append(
            world.cover(other, (x, middle - eyes.LOWER[other] * size, size, visible), PIXELS)
        )
    return np.stack(out).astype(np.float32)


def start(rank: int, args: argparse.Namespace) -> None:
    """One worker's model and batches, and its training."""
    if args.from_weights:
        vae = load_part(AutoencoderKLLTX2Video, "vae")
    else:
        path = RUNS / f"vae_{VAE_CONFIG}" / "last.pt"
        vae = build_vae(VAE_CONFIG)
        vae.load_state_dict(torch.load(path, weights_only=True, map_location="cpu")["model"])
    redrawn, share = Redrawn.load(), args.batch // args.workers

    def draw(step: int) -> tuple[torch.Tensor, ...]:
        span, rng = draw_span(step, SPANS), np.random.default_rng((100, step, rank))
        count = round(share * SPANS[-1] / span)
        if redrawn and np.random.default_rng((98, step)).random() < REDRAWN:
            return redrawn.draw(rng, count, span)
        return draw_batch(rng, count, PIXELS, PIXELS, span, FAST, OBJECT_WEIGHT)

    train(rank, args, Decoding(vae), RUNS / f"vae_{args.name}", draw, PIXELS)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    add_training(parser)
    parser.set_defaults(name=f"{VAE_CONFIG}_decoder", batch=4, rate=6e-4, flat=0.3)
    return parser


def main() -> None:
    args = build_parser().parse_args()
    check_workers(args.device, args.workers)
    run_workers(start, args, args.workers)


if __name__ == "__main__":
    main()
