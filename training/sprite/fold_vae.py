"""Folds the 8x8x4 VAE (16 channels) into a 16x16x4 one (64 channels): a quarter of the tokens.

A convolution at 8x8 is the same function as one at 16x16 between four times the channels, and
LTX-2's residual up-sampler is depth-to-space: the decoder folds exactly (borders apart). The
encoder's input layers do not, so it learns the folded latents from the old one first (`distil`).
"""

import argparse
import time

import numpy as np
import torch
from diffusers import AutoencoderKLLTX2Video

from training.sprite.muon import Both
from training.sprite.train_vae import RUNS, build_vae, draw_batch


def fold_kernel(kernel: torch.Tensor) -> torch.Tensor:
    """(O, I, T, 3, 3) at 8x8 -> (4 O, 4 I, T, 3, 3) at 16x16; c at (sy, sx) is 4 c + 2 sy + sx."""
    o, i, t, _, _ = kernel.shape
    out = torch.zeros(o, 4, i, 4, t, 3, 3)
    for sy in range(2):
        for sx in range(2):
            for dy in range(-1, 2):
                for dx in range(-1, 2):
                    y, x = sy + dy, sx + dx
                    source = 2 * (y % 2) + x % 2
                    out[:, 2 * sy + sx, :, source, :, y // 2 + 1, x // 2 + 1] += kernel[
                        :, :, :, dy + 1, dx + 1
                    ]
    return out.reshape(4 * o, 4 * i, t, 3, 3)


def fold_latents(z: torch.Tensor) -> torch.Tensor:
    """(B, C, F, H, W) -> (B, 4 C, F, H / 2, W / 2), channel order as in `fold_kernel`."""
    b, c, f, h, w = z.shape
    z = z.reshape(b, c, f, h // 2, 2, w // 2, 2).permute(0, 1, 4, 6, 2, 3, 5)
    return z.reshape(b, 4 * c, f, h // 2, w // 2)


@torch.no_grad()
def fold_decoder(old: AutoencoderKLLTX2Video, new: AutoencoderKLLTX2Video) -> None:
    """Copies the old decoder into the new one, whose first up-sampler begins as depth-to-space."""
    a, b = old.decoder, new.decoder
    b.conv_in.conv.weight.copy_(fold_kernel(a.conv_in.conv.weight))
    b.conv_in.conv.bias.copy_(a.conv_in.conv.bias.repeat_interleave(4))
    first = b.up_blocks[0]
    first.upsamplers[0].conv.conv.weight.zero_()
    first.upsamplers[0].conv.conv.bias.zero_()
    first.resnets.load_state_dict(a.mid_block.resnets.state_dict())
    for i, block in enumerate(a.up_blocks):
        b.up_blocks[i + 1].load_state_dict(block.state_dict())
    b.conv_out.load_state_dict(a.conv_out.state_dict())


def load_old() -> AutoencoderKLLTX2Video:
    old = build_vae("s8t4")
    old.load_state_dict(torch.load(RUNS / "vae_s8t4" / "last.pt", weights_only=True)["model"])
    return old.eval().requires_grad_(False)


def distil(old: AutoencoderKLLTX2Video, new: AutoencoderKLLTX2Video, seconds: float) -> None:
    """Teaches the new encoder the old one's folded latents."""
    optimiser = Both(new.encoder, 2e-3)
    rng = np.random.default_rng(3)
    begin, step = time.time(), 0
    while (left := 1 - (time.time() - begin) / seconds) > 0:
        optimiser.set_rate(2e-3 * min(1, (step + 1) / 20) * min(1, left / 0.4 + 0.02))
        x, *_ = draw_batch(rng, 4, 64, 64, 9)
        with torch.no_grad():
            target = fold_latents(old.encode(x).latent_dist.mode())
        loss = (new.encode(x).latent_dist.mean - target).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        step += 1
        if step % 25 == 0:
            print(f"step {step} loss {loss.item():.4f} of {target.var().item():.4f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(4)
    old, new = load_old(), build_vae("s16t4f")
    fold_decoder(old, new)
    distil(old, new, args.seconds)
    folder = RUNS / "vae_s16t4f"
    folder.mkdir(parents=True, exist_ok=True)
    saved = {"model": new.state_dict(), "optimiser": None, "state": {"step": 0, "seconds": 0.0}}
    torch.save(saved, folder / "last.pt")


if __name__ == "__main__":
    main()
