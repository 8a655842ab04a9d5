"""From the VAE of 64x64 pictures to that of 96x96: the same latents, patches of 6 for those of 4.

Making a patch of 6x6 pixels one of 4x4 by areas is linear, as is the first convolution after the
patches, so the encoder needs no training to give the latents of the picture made smaller. The
decoder begins as the old one with its picture made larger, and learns the finer edges from there.
"""

import numpy as np
import torch
from diffusers import AutoencoderKLLTX2Video

from training.sprite.train_vae import RUNS, build_vae, measure_psnr, render_clips

OLD, NEW = 4, 6  # pixels a side of a patch


def shrink() -> torch.Tensor:
    """(OLD, NEW): each old pixel as the mean of the new ones that it covers."""
    edges = np.arange(OLD + 1) * NEW / OLD
    out = torch.zeros(OLD, NEW)
    for i in range(OLD):
        for j in range(NEW):
            out[i, j] = max(0.0, min(edges[i + 1], j + 1) - max(edges[i], j)) * OLD / NEW
    return out


def widen(weight: torch.Tensor, across: torch.Tensor) -> torch.Tensor:
    """(3 * a * a, ...) -> (3 * b * b, ...) by `across` (a, b) along both sides of the patches."""
    a, b = across.shape
    split = weight.reshape(3, a, a, *weight.shape[1:])
    return torch.einsum("cij...,ik,jl->ckl...", split, across, across).reshape(
        3 * b * b, *weight.shape[1:]
    )


@torch.no_grad()
def scale_vae(old: AutoencoderKLLTX2Video, new: AutoencoderKLLTX2Video) -> None:
    """Copies the old weights into the new VAE."""
    down, up = shrink(), shrink() * NEW / OLD
    state = dict(old.state_dict())
    first = state["encoder.conv_in.conv.weight"].transpose(0, 1)
    state["encoder.conv_in.conv.weight"] = widen(first, down).transpose(0, 1).contiguous()
    for name in ("weight", "bias"):
        key = f"decoder.conv_out.conv.{name}"
        state[key] = widen(state[key], up)
    new.load_state_dict(state)


def main() -> None:
    old, new = build_vae("s16t4f"), build_vae("s24t4")
    for name in ("s16t4f_decoder", "s16t4f"):
        path = RUNS / f"vae_{name}" / "last.pt"
        if path.exists():
            old.load_state_dict(torch.load(path, weights_only=True)["model"])
            break
    scale_vae(old, new)
    print(f"PSNR {measure_psnr(old, render_clips(8, 8)):.2f} dB at 64x64")
    print(f"PSNR {measure_psnr(new, render_clips(8, 8, 96)):.2f} dB at 96x96, before training")
    folder = RUNS / "vae_s24t4"
    folder.mkdir(parents=True, exist_ok=True)
    saved = {"model": new.state_dict(), "optimiser": None, "state": {"step": 0, "seconds": 0.0}}
    torch.save(saved, folder / "last.pt")


if __name__ == "__main__":
    main()
