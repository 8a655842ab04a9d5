"""Clips as sprite's video VAE shows them: its blur and its ringing, with a truth that is known."""

import numpy as np
import torch
from diffusers import AutoencoderKLLTX2Video

from training.spotter.render import draw_clip, pass_codec
from training.spotter.scenes import Clip, Look
from training.sprite.package import load_part
from training.sprite.sample import DEFAULTS

CRF = 14  # about what an export of sprite's has
# sprite's own shape of a clip, drawn clean; one object, which is what the VAE was trained on
AS_SPRITE = {
    "count": 1, "width": DEFAULTS["width"], "height": DEFAULTS["height"],
    "rate": int(DEFAULTS["frame_rate"]), "look": Look(crf=CRF),
    "seconds": DEFAULTS["num_frames"] / DEFAULTS["frame_rate"],
}  # fmt: skip


def load_vae() -> AutoencoderKLLTX2Video:
    """The exported VAE in the package."""
    return load_part(AutoencoderKLLTX2Video, "vae").eval().requires_grad_(False)


@torch.no_grad()
def soften(clip: Clip, vae: AutoencoderKLLTX2Video) -> np.ndarray:
    """(frames, height, width, 3) uint8: drawn, encoded, decoded, and through H.264."""
    video = torch.from_numpy(draw_clip(clip)).permute(3, 0, 1, 2)[None] / 127.5 - 1
    back = vae.decode(vae.encode(video).latent_dist.mode()).sample[0].clamp(-1, 1)
    pictures = ((back + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 3, 0).numpy()
    return pass_codec(np.ascontiguousarray(pictures), clip.rate, CRF)
