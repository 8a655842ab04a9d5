"""Trains what reads cached latents; the transformer is judged by what it makes of them.

Squared errors of latents say little of outlines, and little of the frame in which something comes:
most of their variance is where something is. What a classifier of the shape computes from a latent
frame is about outlines (a perceptual loss, as in Johnson et al., 2016, but of latents). Another
reader says frame by frame where the object is, and whether: latents between those of a shape that
comes in one frame and in the next are between both to a squared error, and wrong to it.
`python -m training.sprite.train_namer`, once per cache.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from training.sprite import world
from training.sprite.cache import CACHE, load_statistics
from training.sprite.noising import TIME
from training.sprite.train_vae import RUNS, Namer

PATH = RUNS / "namer.pt"
SIDE, CHANNELS = 4, 64  # of the latents
SPAN = 2  # latent frames of an example
NOISE = 0.3  # deviation of what is added to normalised latents
STEP = TIME.step  # frames of a latent frame
REACH, SWELL = 12.0, 2.5  # units: about the deviations of places and of radii in the world
HIDDEN = 256


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


class Places(nn.Module):
    """Reads from each latent frame alone, (B, 64, frames, 4, 4), where the object is in the STEP
    frames that it stands for: (B, frames, STEP, 4), as `list_places` has them."""

    def __init__(self) -> None:
        super().__init__()
        self.near = nn.Conv3d(CHANNELS, 128, (1, 3, 3), padding=(0, 1, 1))
        self.hidden = nn.Linear(128 * SIDE * SIDE, HIDDEN)
        self.out = nn.Linear(HIDDEN, STEP * 4)

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        near = nn.functional.gelu(self.near(latents)).transpose(1, 2).flatten(2)
        out = self.out(nn.functional.gelu(self.hidden(near))).unflatten(2, (STEP, 4))
        return torch.cat([torch.tanh(out[..., :1]), out[..., 1:]], -1)


def list_places(scene: world.Scene, latents: int) -> torch.Tensor:
    """(latents, STEP, 4) float32: 1 where the object is there, -1 where not; x and y from the
    middle in REACH, and radius from 9.5 units in SWELL. The first latent frame stands for one."""
    frames = np.arange((latents - 1) * STEP + 1)
    frames = np.concatenate([np.zeros(STEP - 1, int), frames])
    x, y, radius, visible = world.track(scene, frames / world.FPS)
    middle = world.SIZE / 2
    inside = (y > -radius) & (y < world.SIZE + radius)
    columns = (
        np.where((visible > 0) & inside, 1.0, -1.0),
        (x - middle) / REACH,
        (y - middle) / REACH,
        (radius - 9.5) / SWELL,
    )
    return torch.from_numpy(np.stack(columns, 1)).float().unflatten(0, (latents, STEP))


def compare_places(said: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """Squared differences (..., STEP, 4); what is not there has no place."""
    there = torch.cat(
        [torch.ones_like(true[..., :1]), (true[..., :1] > 0).expand_as(true[..., 1:])], -1
    )
    return there * (said - true) ** 2


@dataclass(frozen=True)
class Readers:
    """Both, trained and frozen."""

    outlines: Outlines
    places: Places

    def to(self, device: str) -> Readers:
        return Readers(self.outlines.to(device), self.places.to(device))


def load_readers() -> Readers:
    """What `train` left."""
    saved = torch.load(PATH, weights_only=True, map_location="cpu")
    namer, places = Namer(CHANNELS), Places()
    namer.load_state_dict(saved["model"])
    places.load_state_dict(saved["places"])
    return Readers(Outlines(namer, saved["deviation"]), places.requires_grad_(False))


def load_clips() -> tuple[torch.Tensor, list[world.Scene]]:
    """Normalised latents (N, 64, frames, 4, 4) and scenes of all shards there are."""
    statistics = load_statistics()
    mean, deviation = (statistics[f"video_{name}"].view(-1, 1, 1, 1) for name in ("mean", "std"))
    video, scenes = [], []
    for path in sorted(CACHE.glob("shard_*.pt")):
        shard = torch.load(path, weights_only=True)
        video.append((shard["video"].float() - mean) / deviation)
        scenes += [world.Scene(**scene) for scene in shard["scenes"]]
    return torch.cat(video), scenes


def train(minutes: float) -> None:
    torch.manual_seed(7)
    rng = np.random.default_rng(7)
    video, scenes = load_clips()
    shapes = torch.tensor([world.SHAPES.index(scene.shape) for scene in scenes])
    tracks = torch.stack([list_places(scene, video.shape[2]) for scene in scenes])
    held = len(video) // 10
    namer, places = Namer(CHANNELS), Places()
    optimiser = torch.optim.AdamW(
        [*namer.parameters(), *places.parameters()], 2e-3, weight_decay=0.02
    )
    begin, step, done = time.time(), 0, 0.0
    while done < 1:
        picks = rng.integers(held, len(video), 64)
        spans = rng.integers(0, video.shape[2] - SPAN + 1, 64)[:, None] + np.arange(SPAN)
        x = video[picks[:, None], :, spans].transpose(1, 2)
        x = x + NOISE * torch.rand(64, 1, 1, 1, 1) * torch.randn_like(x)
        loss = nn.functional.cross_entropy(namer(x), shapes[picks])
        off = compare_places(places(x), tracks[picks[:, None], spans]).mean()
        optimiser.zero_grad()
        (loss + off).backward()
        optimiser.step()
        done, step = (time.time() - begin) / (60 * minutes), step + 1
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * max(1 - done, 0.01)
        if step % 200 == 0 or done >= 1:
            line = measure(namer, places, video[:held], shapes[:held], tracks[:held])
            print(
                f"{60 * minutes * done:5.0f} s  step {step}  {loss:.3f} {off:.3f}  {line}",
                flush=True,
            )
    with torch.no_grad():
        deviation = cut(namer)(video[:256]).std()
    saved = {"model": namer.state_dict(), "places": places.state_dict(), "deviation": deviation}
    torch.save(saved, PATH)


@torch.no_grad()
def measure(
    namer: Namer,
    places: Places,
    video: torch.Tensor,
    shapes: torch.Tensor,
    tracks: torch.Tensor,
) -> str:
    """Of clips that were not trained on: shapes named, frames in which it is known whether the
    object is there, and the deviations of its places in units."""
    named = (namer(video).argmax(1) == shapes).float().mean()
    said = places(video)
    there = ((said[..., 0] > 0) == (tracks[..., 0] > 0)).float().mean()
    off = compare_places(said, tracks)[..., 1:3].mean().sqrt() * REACH
    return f"held {named:.1%}, there {there:.1%}, off {off:.2f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=4)
    train(parser.parse_args().minutes)
