"""Trains what names shapes from cached latents; the transformer is judged by what it looks at.

Squared errors of latents say little of outlines: most of their variance is where something is. What
a classifier of the shape computes from a latent frame is about outlines (a perceptual loss, as in
Johnson et al., 2016, but of latents). `python -m training.sprite.train_namer`, once per cache.
"""

import argparse
import time

import numpy as np
import torch
from torch import nn

from training.sprite import world
from training.sprite.cache import CACHE, load_statistics
from training.sprite.train_vae import RUNS, Namer

PATH = RUNS / "namer.pt"
SIDE, CHANNELS = 4, 64  # of the latents
SPAN = 2  # latent frames of an example
NOISE = 0.3  # deviation of what is added to normalised latents


def unpack(tokens: torch.Tensor) -> torch.Tensor:
    """(B, frames * 16, 64) -> (B, 64, frames, 4, 4)."""
    return tokens.unflatten(1, (-1, SIDE, SIDE)).permute(0, 4, 1, 2, 3)


def cut(namer: Namer) -> nn.Sequential:
    """Its convolutions."""
    return nn.Sequential(*list(namer)[:4])


class Outlines(nn.Module):
    """The convolutions of a trained Namer: (B, tokens, 64) -> features (B, 128, frames, 4, 4),
    divided by their deviation over rendered clips. Frozen."""

    def __init__(self, namer: Namer, deviation: torch.Tensor) -> None:
        super().__init__()
        self.layers = cut(namer)
        self.register_buffer("deviation", deviation)
        self.requires_grad_(False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.layers(unpack(tokens)) / self.deviation


def load_outlines() -> Outlines:
    """What `train` left."""
    saved = torch.load(PATH, weights_only=True, map_location="cpu")
    namer = Namer(CHANNELS)
    namer.load_state_dict(saved["model"])
    return Outlines(namer, saved["deviation"])


def load_clips() -> tuple[torch.Tensor, torch.Tensor]:
    """Normalised latents (N, 64, frames, 4, 4) and shapes (N,) of all shards there are."""
    statistics = load_statistics()
    mean, deviation = (statistics[f"video_{name}"].view(-1, 1, 1, 1) for name in ("mean", "std"))
    video, shapes = [], []
    for path in sorted(CACHE.glob("shard_*.pt")):
        shard = torch.load(path, weights_only=True)
        video.append((shard["video"].float() - mean) / deviation)
        shapes += [world.SHAPES.index(scene["shape"]) for scene in shard["scenes"]]
    return torch.cat(video), torch.tensor(shapes)


def train(minutes: float) -> None:
    torch.manual_seed(7)
    rng = np.random.default_rng(7)
    video, shapes = load_clips()
    held = len(video) // 10
    model = Namer(CHANNELS)
    optimiser = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=0.02)
    begin, step, done = time.time(), 0, 0.0
    while done < 1:
        picks = rng.integers(held, len(video), 64)
        firsts = rng.integers(0, video.shape[2] - SPAN + 1, 64)
        x = torch.stack([video[k, :, f : f + SPAN] for k, f in zip(picks, firsts, strict=True)])
        x = x + NOISE * torch.rand(64, 1, 1, 1, 1) * torch.randn_like(x)
        loss = nn.functional.cross_entropy(model(x), shapes[picks])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        done, step = (time.time() - begin) / (60 * minutes), step + 1
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * max(1 - done, 0.01)
        if step % 200 == 0 or done >= 1:
            with torch.no_grad():
                named = model(video[:held]).argmax(1) == shapes[:held]
            share = f"held {named.float().mean():.1%}"
            print(f"{60 * minutes * done:5.0f} s  step {step}  {loss:.3f}  {share}", flush=True)
    with torch.no_grad():
        deviation = cut(model)(video[:256]).std()
    torch.save({"model": model.state_dict(), "deviation": deviation}, PATH)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1)
    train(parser.parse_args().minutes)
