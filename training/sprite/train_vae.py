"""Trains the video VAE on rendered clips. Resumable: `python -m training.sprite.train_vae`.

Clips are `(B, 3, F, H, W) float32 in [-1, 1]`.
"""

import argparse
import time
from collections.abc import Callable
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
LINGER = 2  # frames
SHAPE_WEIGHT = 0.05
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
    rng: np.random.Generator,
    batch: int,
    size: int,
    crop: int,
    span: int,
    fast: float = 0.5,
    more: float = OBJECT_WEIGHT,
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
    return *weigh(out, grounds, more), torch.from_numpy(shapes)


def weigh(clips: np.ndarray, grounds: np.ndarray, more: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Clips (B, F, H, W, 3) uint8 over backgrounds (B, 3) as tensors (B, 3, F, H, W), and the
    weights (B, 1, F, H, W) of their pixels: 1, and `more` besides near what is no background, or
    was or will be none LINGER frames from then: without that, what is drawn early costs little."""
    x = to_tensor(clips)
    ground = torch.from_numpy(grounds)[:, :, None, None, None].float() / 127.5 - 1
    mask = ((x - ground).abs().sum(1, keepdim=True) > 0.3).float()
    near = nn.functional.max_pool3d(mask, (2 * LINGER + 1, 5, 5), 1, (LINGER, 2, 2))
    return x, 1 + more * near


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


def compare(
    made: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, squared: float = 2.0
) -> torch.Tensor:
    """Weighted absolute errors of pixels, and `squared` times their squares."""
    error = made - x
    return (weight * (error.abs() + squared * error * error)).mean() / weight.mean()


def build_vae(config: str) -> AutoencoderKLLTX2Video:
    """A fresh VAE whose posterior starts narrow: at variance 1 its noise drowns the signal."""
    vae = AutoencoderKLLTX2Video(**parts.VAE_CANDIDATES[config], **parts.VAE_COMMON)
    last = vae.encoder.conv_out.conv
    with torch.no_grad():
        last.weight[-1].zero_()
        last.bias[-1] = START_LOG_VARIANCE
    return vae.train()


def load_grown(vae: AutoencoderKLLTX2Video, state: dict[str, torch.Tensor]) -> None:
    """Loads weights of a smaller decoder; the residual blocks that it lacks begin as nothing, their
    last convolution being zero."""
    fresh = {k: v for k, v in vae.state_dict().items() if k not in state}
    assert all(".resnets." in key for key in fresh), sorted(fresh)
    nothing = {k: torch.zeros_like(v) if ".conv2." in k else v for k, v in fresh.items()}
    vae.load_state_dict({**state, **nothing})


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


def add_training(parser: argparse.ArgumentParser) -> None:
    """What every training of a VAE can be told."""
    add_options(parser)
    parser.add_argument("--name", help="folder of the run")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument(
        "--batch", type=int, default=8, help="clips of the longer span, of all workers together"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--rate", type=float, default=BASE_RATE)
    parser.add_argument("--flat", type=float, default=0.65, help="share of the time before decay")
    parser.add_argument(
        "--from-weights", action="store_true", help="begin with the VAE in the package"
    )
    parser.add_argument("--seconds-between", type=float, default=120, help="two reports")


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    add_training(parser)
    parser.add_argument("--config", default="s8t8", help="also the run's name, if not given")
    parser.add_argument("--size", type=int, default=world.SIZE, help="pixels a side of the clips")
    parser.add_argument("--crop", type=int, help="pixels a side of what is cut out; all of it")
    return parser


def start(rank: int, args: argparse.Namespace) -> None:
    """One worker's model and batches, and its training."""
    torch.manual_seed(1)
    model = Trainee(args.config)
    if args.from_weights:
        model.vae.load_state_dict(load_part(AutoencoderKLLTX2Video, "vae").state_dict())
    share = args.batch // args.workers

    def draw(step: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        span, rng = draw_span(step, SPANS), np.random.default_rng((100, step, rank))
        count = round(share * SPANS[-1] / span)
        return draw_batch(rng, count, args.size, args.crop or args.size, span)

    train(rank, args, model, RUNS / f"vae_{args.name or args.config}", draw, args.size)


def draw_span(step: int, spans: tuple[int, ...]) -> int:
    """Frames of the step's clips, one of `spans`: the same in all workers."""
    return spans[int(np.random.default_rng((99, step)).integers(len(spans)))]


def train(
    rank: int,
    args: argparse.Namespace,
    model: nn.Module,
    folder: Path,
    draw: Callable[[int], tuple],
    size: int,
) -> None:
    """One of `args.workers` processes, each with its share of the batch.

    Args:
        model: has a `vae` and a `namer`; of a batch it gives a loss and the share of shapes named
            rightly.
        folder: of the run, which goes on if it is there.
        draw: the batch of a step.
        size: pixels a side of the clips that are kept for measuring.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model.to(args.device)
    optimiser = Both(model, args.rate)
    state = {"step": 0, "seconds": 0.0}
    path = folder / "last.pt"
    if path.exists():
        saved = torch.load(path, weights_only=True, map_location=args.device)
        model.vae.load_state_dict(saved["model"])
        if saved["optimiser"]:
            optimiser.load_state_dict(saved["optimiser"])
        if "namer" in saved:  # a VAE that was only grown has none yet
            model.namer.load_state_dict(saved["namer"])
        state = saved["state"]
    wait_for_all()
    torch.manual_seed(1000 + 10 * state["step"] + rank)
    held = render_clips(24, 8, size)
    batches = feed(draw, state["step"], args.feeders)
    if rank == 0:
        count = sum(p.numel() for p in model.parameters() if p.requires_grad)
        print(f"{folder.name}: {count / 1e6:.2f} M, from step {state['step']}", flush=True)
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
    options = build_parser().parse_args()
    check_workers(options.device, options.workers)
    run_workers(start, options, options.workers)
