"""Trains the video VAE on rendered clips. Resumable: `python -m training.sprite.train_vae`.

Clips are `(B, 3, F, H, W) float32 in [-1, 1]`.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLLTX2Video
from torch import nn

from training.devices import add_options, check_workers, compute, feed, move
from training.sprite import parts, world
from training.sprite.muon import Both
from training.sprite.package import load_part
from training.sprite.workers import average, run_workers, wait_for_all

RUNS = Path(__file__).parent / "runs"
KL_WEIGHT = 3e-4
OBJECT_WEIGHT = 6.0
SHAPE_WEIGHT = 0.05
AGAIN_WEIGHT = 0.05
OFF = 0.25  # the most that latents are off, in their deviation
FAST = 0.75  # share of fast scenes where the decoder alone is trained: they blur
SPANS = (5, 9)  # frames of a batch, by chance
BASE_RATE = 1e-3
START_LOG_VARIANCE = -5.0


def render_clips(count: int, seed: int, size: int = world.SIZE) -> np.ndarray:
    """(count, F, size, size, 3) uint8 clips."""
    rng = np.random.default_rng(seed)
    scenes = [world.sample_scene(rng) for _ in range(count)]
    return np.stack([world.render_video(s, size=size) for s in scenes])


def to_tensor(clips: np.ndarray) -> torch.Tensor:
    """(B, F, H, W, 3) uint8 -> (B, 3, F, H, W) float32 in [-1, 1]."""
    return torch.from_numpy(clips).permute(0, 4, 1, 2, 3).float() / 127.5 - 1


def draw_batch(
    rng: np.random.Generator, batch: int, size: int, crop: int, span: int, fast: float = 0.5
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Random crops of fresh scenes, a share of them `fast`, their per-pixel loss weights
    (B, 1, F, H, W) and their shapes (B,): indices into world.SHAPES, or -1 where a crop is not
    whole, or does not begin and end with the shape in sight."""
    out = np.empty((batch, span, crop, crop, 3), np.uint8)
    grounds = np.empty((batch, 3), np.float32)
    shapes = np.full(batch, -1)
    for i in range(batch):
        scene = world.sample_scene(rng, speed=world.SPEEDS[int(rng.random() < fast)])
        grounds[i] = world.BACKGROUNDS[scene.background]
        first = 0 if rng.random() < 0.3 else int(rng.integers(world.FRAMES - span + 1))
        clip = world.render_video(scene, span, size, first)
        seen = np.abs(clip - grounds[i]).sum(-1) > 60
        if crop < size:
            moving = np.argwhere(seen[span // 2])
            near = moving[rng.integers(len(moving))] if len(moving) else rng.integers(size, size=2)
            top, left = np.clip(near - rng.integers(crop, size=2), 0, size - crop)
            clip = clip[:, top : top + crop, left : left + crop]
        elif seen[[0, -1]].any((1, 2)).all():
            shapes[i] = world.SHAPES.index(scene.shape)
        out[i] = clip
    x = to_tensor(out)
    ground = torch.from_numpy(grounds)[:, :, None, None, None] / 127.5 - 1
    mask = ((x - ground).abs().sum(1, keepdim=True) > 0.3).float()
    near = torch.nn.functional.max_pool3d(mask, (1, 5, 5), 1, (0, 2, 2))
    return x, 1 + OBJECT_WEIGHT * near, torch.from_numpy(shapes)


class Namer(nn.Sequential):
    """Names the shape from latents (B, C, F, H, W): logits (B, 4).

    It is trained with the VAE and then thrown away. The reconstruction alone teaches an encoder
    where something is long before what it is: of v1's latents nothing could read the shape.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(
            nn.Conv3d(channels, 128, (1, 3, 3), padding=(0, 1, 1)),
            nn.GELU(),
            nn.Conv3d(128, 128, (1, 3, 3), padding=(0, 1, 1)),
            nn.GELU(),
            nn.AdaptiveMaxPool3d(1),
            nn.Flatten(),
            nn.Linear(128, len(world.SHAPES)),
        )


class Trainee(nn.Module):
    """The VAE and what is trained beside it."""

    def __init__(self, config: str) -> None:
        super().__init__()
        self.vae = build_vae(config).to(memory_format=torch.channels_last_3d)
        self.namer = Namer(self.vae.config.latent_channels)

    def forward(
        self, x: torch.Tensor, weight: torch.Tensor, shapes: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The loss, and the share of shapes that are named rightly.

        Weighted L1 + MSE of the reconstruction, a small KL, and the naming's cross-entropy.
        """
        posterior = self.vae.encode(x).latent_dist
        latents = posterior.sample()
        rec = compare(self.vae.decode(latents).sample, x, weight)
        variance, log_variance = posterior.var, posterior.logvar
        kl = 0.5 * (posterior.mean**2 + variance - 1 - log_variance)
        naming, named = self.name(latents, shapes)
        return rec + KL_WEIGHT * kl.mean() + SHAPE_WEIGHT * naming, named

    def name(
        self, latents: torch.Tensor, shapes: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Cross-entropy of the names, and the share of them that is right."""
        names = self.namer(latents)
        naming = nn.functional.cross_entropy(names, shapes, ignore_index=-1, reduction="sum")
        count = (shapes >= 0).sum().clamp(min=1)
        return naming / count, (names.argmax(1) == shapes).sum() / count


class Decoding(Trainee):
    """The decoder alone, on latents that are a little off, as those of a transformer are.

    What it makes is encoded again and held to what was encoded first: a blurred outline costs few
    pixels and much of that. The encoder and the classifier are those of the VAE's own training.
    """

    def forward(
        self, x: torch.Tensor, weight: torch.Tensor, shapes: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As of a Trainee; named are the shapes of what was decoded."""
        with torch.no_grad():
            truth = self.vae.encode(x).latent_dist.mode()
        deviation = truth.std((0, 2, 3, 4), keepdim=True)
        level = OFF * torch.rand(len(x), 1, 1, 1, 1, device=x.device)
        made = self.vae.decode(truth + level * deviation * torch.randn_like(truth)).sample
        again = self.vae.encode(made).latent_dist.mode()
        naming, named = self.name(again, shapes)
        off = (((again - truth) / deviation) ** 2).mean()
        loss = compare(made, x, weight) + AGAIN_WEIGHT * off + SHAPE_WEIGHT * naming
        return loss, named


def compare(made: torch.Tensor, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Weighted absolute and squared errors of pixels."""
    error = made - x
    return (weight * (error.abs() + 2 * error * error)).mean() / weight.mean()


def build_vae(config: str) -> AutoencoderKLLTX2Video:
    """A fresh VAE whose posterior starts narrow: at variance 1 its noise drowns the signal."""
    vae = AutoencoderKLLTX2Video(**parts.VAE_CANDIDATES[config], **parts.VAE_COMMON)
    last = vae.encoder.conv_out.conv
    with torch.no_grad():
        last.weight[-1].zero_()
        last.bias[-1] = START_LOG_VARIANCE
    return vae.train()


@torch.no_grad()
def measure_psnr(vae: AutoencoderKLLTX2Video, clips: np.ndarray) -> float:
    """Mean PSNR (dB) over whole clips, from posterior means, range 2."""
    vae.eval()
    total = []
    for i in range(0, len(clips), 4):
        x = to_tensor(clips[i : i + 4]).to(vae.device)
        out = vae.decode(vae.encode(x).latent_dist.mode()).sample.clamp(-1, 1)
        mse = ((out - x) ** 2).mean(dim=(1, 2, 3, 4))
        total.append(10 * torch.log10(4 / mse))
    vae.train()
    return float(torch.cat(total).mean())


def parse(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_options(parser)
    parser.add_argument("--config", default="s8t8")
    parser.add_argument("--name", help="folder of the run; the config's name if not given")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument(
        "--batch", type=int, default=8, help="clips of the longer span, of all workers together"
    )
    parser.add_argument("--size", type=int, default=world.SIZE, help="pixels a side of the clips")
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--crop", type=int, help="pixels a side of what is cut out; all of it")
    parser.add_argument("--rate", type=float, default=BASE_RATE)
    parser.add_argument("--flat", type=float, default=0.65, help="share of the time before decay")
    parser.add_argument("--decoder-of", help="train only the decoder, starting from this run")
    parser.add_argument(
        "--from-weights", action="store_true", help="begin with the VAE in the package"
    )
    parser.add_argument("--seconds-between", type=float, default=120, help="two reports")
    return parser.parse_args(words)


def train(rank: int, args: argparse.Namespace) -> None:
    """One of `args.workers` processes, each with its share of the batch."""
    torch.manual_seed(1)
    folder = RUNS / f"vae_{args.name or args.config}"
    folder.mkdir(parents=True, exist_ok=True)
    model = (Decoding if args.decoder_of else Trainee)(args.config)
    vae = model.vae
    if args.from_weights:
        vae.load_state_dict(load_part(AutoencoderKLLTX2Video, "vae").state_dict())
    if args.decoder_of:
        first = torch.load(RUNS / f"vae_{args.decoder_of}" / "last.pt", weights_only=True)
        vae.load_state_dict(first["model"])
        model.namer.load_state_dict(first["namer"])
        vae.encoder.requires_grad_(False)
        model.namer.requires_grad_(False)
    model.to(args.device)
    optimiser = Both(model, args.rate)
    state = {"step": 0, "seconds": 0.0}
    path = folder / "last.pt"
    if path.exists():
        saved = torch.load(path, weights_only=True, map_location=args.device)
        vae.load_state_dict(saved["model"])
        if saved["optimiser"]:
            optimiser.load_state_dict(saved["optimiser"])
        if "namer" in saved:
            model.namer.load_state_dict(saved["namer"])
        state = saved["state"]
    wait_for_all()
    torch.manual_seed(1000 + 10 * state["step"] + rank)
    held, share = render_clips(24, 8, args.size), args.batch // args.workers

    def draw(step: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        span = SPANS[int(np.random.default_rng((99, step)).integers(len(SPANS)))]
        rng = np.random.default_rng((100, step, rank))
        return draw_batch(
            rng, round(share * SPANS[-1] / span), args.size, args.crop or args.size, span,
            FAST if args.decoder_of else 0.5,
        )  # fmt: skip

    batches = feed(draw, state["step"], args.feeders)
    if rank == 0:
        count = sum(p.numel() for p in vae.parameters())
        print(f"{args.config}: {count / 1e6:.2f} M, from step {state['step']}", flush=True)
    begin, saved_at, losses = time.time() - state["seconds"], time.time(), []
    done = state["seconds"] / (args.minutes * 60)
    while done < 1:
        warm = min(1, (state["step"] + 1) / 60)
        optimiser.set_rate(args.rate * warm * min(1, (1 - done) / (1 - args.flat) + 0.01))
        batch = move(next(batches), args.device)
        with compute(args.device):
            loss, named = model(*batch)
        optimiser.zero_grad()
        loss.backward()
        done = average(model, (time.time() - begin) / (args.minutes * 60))
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        losses.append(torch.stack([loss, named]).detach())
        state["step"] += 1
        if rank == 0 and (time.time() - saved_at > args.seconds_between or done >= 1):
            saved_at = time.time()
            report(model, optimiser, state, begin, losses, held, path)


def report(model, optimiser, state, begin, losses, held, path) -> None:
    """Prints the figures and saves everything needed to resume."""
    state["seconds"] = time.time() - begin
    psnr, (loss, named) = measure_psnr(model.vae, held), torch.stack(losses[-50:]).mean(0).tolist()
    print(
        f"{state['seconds']:6.0f} s  step {state['step']:5d}  loss {loss:.4f}  "
        f"shapes {named:.0%}  PSNR {psnr:.2f} dB",
        flush=True,
    )
    saved = {
        "model": model.vae.state_dict(),
        "namer": model.namer.state_dict(),
        "optimiser": optimiser.state_dict(),
        "state": state,
    }
    torch.save(saved, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").rename(path)


if __name__ == "__main__":
    options = parse()
    check_workers(options.device, options.workers)
    run_workers(train, options, options.workers)
