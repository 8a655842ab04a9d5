"""From the VAE of 64x64 pictures to that of 96x96: the same latents, patches of 6 for those of 4.

Making a patch of 6x6 pixels one of 4x4 by areas is linear, as is the first convolution after the
patches, so the encoder needs no training to give the latents of the picture made smaller. The
decoder begins as the old one with its picture made larger, and learns the finer edges from there.
It gets two more residual blocks at full size, where its edges are made (0.9 dB): they begin as
nothing, their last convolution being zero. The block above the latents goes, which gave 0.2 dB for
its room.
"""

import numpy as np
import torch
from diffusers import AutoencoderKLLTX2Video

from training.sprite.train_vae import RUNS, build_vae, measure_psnr, render_clips

OLD, NEW = "s16t4f", "s24t4"


def shrink(old: int, new: int) -> torch.Tensor:
    """(old, new): each old pixel as the mean of the new ones that it covers, along one side."""
    edges = np.arange(old + 1) * new / old
    out = torch.zeros(old, new)
    for i in range(old):
        for j in range(new):
            out[i, j] = max(0.0, min(edges[i + 1], j + 1) - max(edges[i], j)) * old / new
    return out


def widen(weight: torch.Tensor, across: torch.Tensor) -> torch.Tensor:
    """(3 * a * a, ...) -> (3 * b * b, ...) by `across` (a, b) along both sides of the patches."""
    a, b = across.shape
    split = weight.reshape(3, a, a, *weight.shape[1:])
    return torch.einsum("cij...,ik,jl->ckl...", split, across, across).reshape(
        3 * b * b, *weight.shape[1:]
    )


@torch.no_grad()
def grow_vae(old: AutoencoderKLLTX2Video, new: AutoencoderKLLTX2Video) -> None:
    """Copies the old weights into the new VAE, but for the block that it lacks."""
    down = shrink(old.config.patch_size, new.config.patch_size)
    up = down * new.config.patch_size / old.config.patch_size
    state = dict(old.state_dict())
    first = state["encoder.conv_in.conv.weight"].transpose(0, 1)
    state["encoder.conv_in.conv.weight"] = widen(first, down).transpose(0, 1).contiguous()
    for name in ("weight", "bias"):
        key = f"decoder.conv_out.conv.{name}"
        state[key] = widen(state[key], up)
    for key, value in new.state_dict().items():
        if key not in state:
            last = "conv2.conv" in key
            state[key] = torch.zeros_like(value) if last else value
    new.load_state_dict({key: state[key] for key in new.state_dict()})


def main() -> None:
    old, new = build_vae(OLD), build_vae(NEW)
    old.load_state_dict(torch.load(RUNS / f"vae_{OLD}" / "last.pt", weights_only=True)["model"])
    grow_vae(old, new)
    print(f"PSNR {measure_psnr(old, render_clips(8, 8, 64)):.2f} dB at 64x64")
    print(f"PSNR {measure_psnr(new, render_clips(8, 8, 96)):.2f} dB at 96x96, before training")
    folder = RUNS / f"vae_{NEW}"
    folder.mkdir(parents=True, exist_ok=True)
    saved = {"model": new.state_dict(), "optimiser": None, "state": {"step": 0, "seconds": 0.0}}
    torch.save(saved, folder / "last.pt")


if __name__ == "__main__":
    main()
