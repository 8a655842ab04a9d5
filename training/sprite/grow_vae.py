"""From the VAE of 64x64 pictures to that of 96x96: the same latents, patches of 6 for those of 4.

Making a patch of 6x6 pixels one of 4x4 by areas is linear, as is the first convolution after the
patches, so the encoder needs no training to give the latents of the picture made smaller. The
decoder begins as the old one with its picture made larger, and learns the finer edges from there.
Of the channels between its first two convolutions half is left, which loses nothing that can be
seen; in their room it gets more residual blocks at every size, which begin as nothing: at full size
its edges are made (two more there gave 0.9 dB), and below it takes what it is to draw from what the
latents say.
"""

import numpy as np
import torch
from diffusers import AutoencoderKLLTX2Video
from torch import nn

from training.sprite.train_vae import (
    RUNS,
    build_vae,
    load_grown,
    measure_psnr,
    render_clips,
    to_tensor,
)

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


def list_sources(channels: int, out: int) -> torch.Tensor:
    """(out, channels) of 0 and 1: which channel the up-sampler's residual path adds to which of its
    convolution's, each group of four made one square of four pixels."""
    groups = torch.arange(out // 4) % (channels // 4)
    sources = (groups[:, None] * 4 + torch.arange(4)).flatten()
    return nn.functional.one_hot(sources, channels).float()


def narrow(state: dict[str, torch.Tensor], hidden: torch.Tensor, width: int) -> None:
    """Leaves `width` of the channels between the decoder's first two convolutions, in place.

    Nothing but convolutions lies between them, so any `width` mixtures of the channels can be kept:
    those that lose least of what comes out of the second one, in its mean square over `hidden` (N,
    channels), what came out of the first.
    """
    first, second = "decoder.conv_in.conv", "decoder.up_blocks.0.upsamplers.0.conv.conv"
    through = state[f"{second}.weight"].clone()
    out, channels = through.shape[:2]
    through[:, :, 1, 1, 1] += list_sources(channels, out)
    mean = hidden.mean(0)
    centred = (hidden - mean).double()
    variance = centred.T @ centred / len(hidden)
    variance += 1e-5 * variance.trace() / channels * torch.eye(channels)
    rows = through.movedim(1, 0).flatten(1).double()
    root = torch.linalg.cholesky(variance)
    kept = torch.linalg.eigh(root.T @ rows @ rows.T @ root)[1][:, -width:]
    scale = hidden.std(0).mean()
    back = (root @ kept / scale).float()
    forth = (kept.T @ torch.linalg.inv(root) * scale).float()
    lost = mean - back @ (forth @ mean)
    narrowed = torch.einsum("ohtyx,hk->oktyx", through, back)
    narrowed[:, :, 1, 1, 1] -= list_sources(width, out)
    state[f"{second}.weight"] = narrowed
    state[f"{second}.bias"] = state[f"{second}.bias"] + through.sum((2, 3, 4)) @ lost
    weight = state[f"{first}.weight"]
    state[f"{first}.weight"] = torch.einsum("kh,hityx->kityx", forth, weight)
    state[f"{first}.bias"] = forth @ state[f"{first}.bias"]


@torch.no_grad()
def grow_vae(old: AutoencoderKLLTX2Video, new: AutoencoderKLLTX2Video, clips: torch.Tensor) -> None:
    """Copies the old weights into the new VAE; clips (N, 3, F, H, W) say what can be left out."""
    down = shrink(old.config.patch_size, new.config.patch_size)
    up = down * new.config.patch_size / old.config.patch_size
    state = dict(old.state_dict())
    first = state["encoder.conv_in.conv.weight"].transpose(0, 1)
    state["encoder.conv_in.conv.weight"] = widen(first, down).transpose(0, 1).contiguous()
    for name in ("weight", "bias"):
        key = f"decoder.conv_out.conv.{name}"
        state[key] = widen(state[key], up)
    latents = old.encode(clips).latent_dist.mode()
    hidden = old.decoder.conv_in(latents, causal=False).movedim(1, -1).flatten(0, -2)
    narrow(state, hidden, new.decoder.conv_in.conv.out_channels)
    load_grown(new, state)


def main() -> None:
    old, new = build_vae(OLD), build_vae(NEW)
    old.load_state_dict(torch.load(RUNS / f"vae_{OLD}" / "last.pt", weights_only=True)["model"])
    grow_vae(old, new, to_tensor(render_clips(24, 77, 64)))
    print(f"PSNR {measure_psnr(old, render_clips(8, 8, 64)):.2f} dB at 64x64")
    print(f"PSNR {measure_psnr(new, render_clips(8, 8, 96)):.2f} dB at 96x96, before training")
    folder = RUNS / f"vae_{NEW}"
    folder.mkdir(parents=True, exist_ok=True)
    saved = {"model": new.state_dict(), "optimiser": None, "state": {"step": 0, "seconds": 0.0}}
    torch.save(saved, folder / "last.pt")


if __name__ == "__main__":
    main()
