"""Trains the video VAE on rendered clips. Resumable: `python -m training.sprite.train_vae`.

Clips are `(B, 3, F, H, W) float32 in [-1, 1]`.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLLTX2Video

from training.sprite import parts, world
from training.sprite.muon import Both

RUNS = Path(__file__).parent / "runs"
KL_WEIGHT = 3e-4
OBJECT_WEIGHT = 6.0
BASE_RATE = 1e-3
START_LOG_VARIANCE = -5.0


def render_clips(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(count, F, H, W, 3) uint8 clips and (count, 3) uint8 background colours."""
    rng = np.random.default_rng(seed)
    scenes = [world.sample_scene(rng) for _ in range(count)]
    clips = np.stack([world.render_video(s) for s in scenes])
    return clips, np.array([world.BACKGROUNDS[s.background] for s in scenes], np.uint8)


def to_tensor(clips: np.ndarray) -> torch.Tensor:
    """(B, F, H, W, 3) uint8 -> (B, 3, F, H, W) float32 in [-1, 1]."""
    return torch.from_numpy(clips).permute(0, 4, 1, 2, 3).float() / 127.5 - 1


def draw_batch(
    clips: np.ndarray,
    grounds: np.ndarray,
    rng: np.random.Generator,
    batch: int,
    crop: int,
    span: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Random crops and their per-pixel loss weights (B, 1, F, H, W)."""
    picks = rng.integers(len(clips), size=batch)
    out = np.empty((batch, span, crop, crop, 3), np.uint8)
    room = world.SIZE - crop
    for i, k in enumerate(picks):
        # half of the crops begin at the clip's own start
        f = 0 if rng.random() < 0.3 else int(rng.integers(world.FRAMES - span + 1))
        moving = np.argwhere(np.abs(clips[k, f + span // 2].astype(int) - grounds[k]).sum(-1) > 60)
        centre = moving[rng.integers(len(moving))] if len(moving) else rng.integers(64, size=2)
        top, left = np.clip(centre - rng.integers(crop, size=2), 0, room)
        out[i] = clips[k, f : f + span, top : top + crop, left : left + crop]
    x = to_tensor(out)
    ground = torch.from_numpy(grounds[picks]).float()[:, :, None, None, None] / 127.5 - 1
    mask = ((x - ground).abs().sum(1, keepdim=True) > 0.3).float()
    near = torch.nn.functional.max_pool3d(mask, (1, 5, 5), 1, (0, 2, 2))
    return x, 1 + OBJECT_WEIGHT * near


def reconstruct_loss(
    vae: AutoencoderKLLTX2Video, x: torch.Tensor, weight: torch.Tensor
) -> torch.Tensor:
    """Weighted L1 + MSE of the reconstruction, plus a small KL."""
    posterior = vae.encode(x).latent_dist
    out = vae.decode(posterior.sample()).sample
    error = out - x
    rec = (weight * (error.abs() + 2 * error * error)).mean() / weight.mean()
    variance, log_variance = posterior.var, posterior.logvar
    kl = 0.5 * (posterior.mean**2 + variance - 1 - log_variance)
    return rec + KL_WEIGHT * kl.mean()


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
        x = to_tensor(clips[i : i + 4])
        out = vae.decode(vae.encode(x).latent_dist.mode()).sample.clamp(-1, 1)
        mse = ((out - x) ** 2).mean(dim=(1, 2, 3, 4))
        total.append(10 * torch.log10(4 / mse))
    vae.train()
    return float(torch.cat(total).mean())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", default="s8t8")
    parser.add_argument("--name", help="folder of the run; the config's name if not given")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--crop", type=int, default=40)
    parser.add_argument("--span", type=int, default=17)
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rate", type=float, default=BASE_RATE)
    parser.add_argument("--flat", type=float, default=0.65, help="share of the time before decay")
    parser.add_argument("--decoder-of", help="train only the decoder, starting from this run")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    folder = RUNS / f"vae_{args.name or args.config}"
    folder.mkdir(parents=True, exist_ok=True)
    train(args, folder)


def train(args: argparse.Namespace, folder: Path) -> None:
    vae = build_vae(args.config)
    if args.decoder_of:
        first = torch.load(RUNS / f"vae_{args.decoder_of}" / "last.pt", weights_only=True)
        vae.load_state_dict(first["model"])
        vae.encoder.requires_grad_(False)
    optimiser = Both(vae, args.rate)
    state = {"step": 0, "seconds": 0.0}
    path = folder / "last.pt"
    if path.exists():
        saved = torch.load(path, weights_only=True)
        vae.load_state_dict(saved["model"])
        if saved["optimiser"]:
            optimiser.load_state_dict(saved["optimiser"])
        state = saved["state"]
    rng = np.random.default_rng(100 + state["step"])
    clips, grounds = render_clips(args.clips, 7)
    held, _ = render_clips(24, 8)
    count = sum(p.numel() for p in vae.parameters())
    print(f"{args.config}: {count / 1e6:.2f} M, from step {state['step']}", flush=True)
    begin, saved_at, losses = time.time() - state["seconds"], time.time(), []
    while (elapsed := time.time() - begin) < args.minutes * 60:
        left = 1 - elapsed / (args.minutes * 60)
        rate = args.rate * min(1, (state["step"] + 1) / 60) * min(1, left / (1 - args.flat) + 0.01)
        optimiser.set_rate(rate)
        x, weight = draw_batch(clips, grounds, rng, args.batch, args.crop, args.span)
        loss = reconstruct_loss(vae, x, weight)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimiser.step()
        losses.append(loss.item())
        state["step"] += 1
        if time.time() - saved_at > 45:
            saved_at = time.time()
            report(vae, optimiser, state, begin, losses, held, path)
    report(vae, optimiser, state, begin, losses, held, path)


def report(vae, optimiser, state, begin, losses, held, path) -> None:
    """Prints the figures and saves everything needed to resume."""
    state["seconds"] = time.time() - begin
    psnr = measure_psnr(vae, held)
    print(
        f"{state['seconds']:6.0f} s  step {state['step']:5d}  loss {np.mean(losses[-50:]):.4f}"
        f"  PSNR {psnr:.2f} dB",
        flush=True,
    )
    saved = {"model": vae.state_dict(), "optimiser": optimiser.state_dict(), "state": state}
    torch.save(saved, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").rename(path)


if __name__ == "__main__":
    main()
