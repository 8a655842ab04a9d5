"""Encodes scenes into latents once, in shards that the transformer picks up as they come.

A shard holds `video (N, 64, latents, 4, 4) float16`, `audio (N, 4, latents, 16) float16`, not
normalised, and the scenes as dicts. `python -m training.sprite.cache --shards 8`.
"""

import argparse
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLLTX2Audio, AutoencoderKLLTX2Video

from rushes.models.ltx2_tokens import pack_audio, pack_video
from training.devices import compute
from training.sprite import mel, parts, world
from training.sprite.package import load_part
from training.sprite.train_audio import load_audio_vae
from training.sprite.train_vae import RUNS, to_tensor

CACHE = RUNS / "cache"
SHARD = 1000  # scenes
VAE_CONFIG, PIXELS, FRAMES = "s24t4", 96, 65
AUDIO_LATENTS = round(FRAMES / world.FPS * 25)
SILENT = 0.25  # share of the scenes: twice the world's, or what is silent is seldom seen to move


def load_video_vae() -> AutoencoderKLLTX2Video:
    """The trained video VAE: that of the runs, with the decoder that was trained on where there is
    one, or else that of the package."""
    runs = [RUNS / f"vae_{VAE_CONFIG}{last}" / "last.pt" for last in ("_decoder", "")]
    path = next((path for path in runs if path.exists()), None)
    if path is None:
        vae = load_part(AutoencoderKLLTX2Video, "vae")
    else:
        vae = AutoencoderKLLTX2Video(**parts.VAE_CANDIDATES[VAE_CONFIG], **parts.VAE_COMMON)
        vae.load_state_dict(torch.load(path, weights_only=True, map_location="cpu")["model"])
    return vae.eval().requires_grad_(False)


@torch.no_grad()
def encode_video(
    scenes: list[world.Scene], vae: AutoencoderKLLTX2Video, frames: int = FRAMES
) -> torch.Tensor:
    """Posterior means (N, 64, latents, 4, 4) float16."""
    clips = to_tensor(np.stack([world.render_video(s, frames, PIXELS) for s in scenes]))
    with compute(vae.device.type):
        return vae.encode(clips.to(vae.device)).latent_dist.mode().half().cpu()


@torch.no_grad()
def encode_audio(scenes: list[world.Scene], vae: AutoencoderKLLTX2Audio) -> torch.Tensor:
    """Posterior means (N, 4, latents, 16) float16."""
    count = mel.mel_frames(AUDIO_LATENTS)
    waves = np.stack([world.render_audio(s, count * mel.HOP) for s in scenes])
    mels = mel.log_mel(torch.from_numpy(waves))[:, :, :count]
    return vae.encode(mels.to(vae.device)).latent_dist.mode().half().cpu()


def measure_statistics(shard: dict) -> dict[str, torch.Tensor]:
    """Mean and deviation per video channel (64,) and per packed audio dimension (64,)."""
    video, audio = pack_video(shard["video"].float()), pack_audio(shard["audio"].float())
    return {
        "video_mean": video.mean((0, 1)),
        "video_std": video.std((0, 1)).clamp(min=1e-3),
        "audio_mean": audio.mean((0, 1)),
        "audio_std": audio.std((0, 1)).clamp(min=1e-2),
    }


def load_statistics() -> dict[str, torch.Tensor]:
    """What latents are normalised by: of this run's first shard, or else of the package."""
    path = CACHE / "statistics.pt"
    if path.exists():
        return torch.load(path, weights_only=True, map_location="cpu")
    video = load_part(AutoencoderKLLTX2Video, "vae")
    audio = load_part(AutoencoderKLLTX2Audio, "audio_vae")
    return {
        "video_mean": video.latents_mean,
        "video_std": video.latents_std,
        "audio_mean": audio.latents_mean,
        "audio_std": audio.latents_std,
    }


def draw_scenes(index: int) -> list[world.Scene]:
    rng = np.random.default_rng(10_000 + index)
    return [world.sample_scene(rng, silent=bool(rng.random() < SILENT)) for _ in range(SHARD)]


def write_pictures(index: int, vae: AutoencoderKLLTX2Video) -> None:
    """The first half of a shard: `pictures_NNN.pt`."""
    scenes = draw_scenes(index)
    video = torch.cat([encode_video(scenes[i : i + 20], vae) for i in range(0, SHARD, 20)])
    save(video, CACHE / f"pictures_{index:03d}.pt")


def write_shard(index: int, vae: AutoencoderKLLTX2Audio) -> None:
    """Pictures and sounds together: `shard_NNN.pt`."""
    scenes = draw_scenes(index)
    shard = {
        "video": torch.load(CACHE / f"pictures_{index:03d}.pt", weights_only=True),
        "audio": torch.cat([encode_audio(scenes[i : i + 20], vae) for i in range(0, SHARD, 20)]),
        "scenes": [asdict(s) for s in scenes],
    }
    if index == 0:
        save(measure_statistics(shard), CACHE / "statistics.pt")
    save(shard, CACHE / f"shard_{index:03d}.pt")


def save(value: object, path: Path) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    torch.save(value, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").rename(path)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--pictures-only", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    video_vae, audio_vae = (v.to(args.device) for v in (load_video_vae(), load_audio_vae()))
    for index in range(args.first, args.shards):
        begin = time.time()
        if not (CACHE / f"pictures_{index:03d}.pt").exists():
            write_pictures(index, video_vae)
        if not args.pictures_only and not (CACHE / f"shard_{index:03d}.pt").exists():
            write_shard(index, audio_vae)
        print(f"{index}: {time.time() - begin:.0f} s", flush=True)


if __name__ == "__main__":
    main()
