"""The transformer's own clips that the oracle found right, to be learnt from besides the world's.

Learning from one's own good samples (as RAFT, Dong et al., 2023, does for text) is meant to move
the model towards what it can do well. Scenes are drawn as for the cache, so no held-out triple is
among them. A shard holds `video (N, 64, 9, 4, 4) float16`, `audio (N, 4, 52, 16) float16`, not
normalised, and the scenes as dicts. `python -m training.sprite.choose --shards 8`.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise

import numpy as np
import torch
from diffusers import AutoencoderKLLTX2Audio, AutoencoderKLLTX2Video

from rushes.models.ltx2_tokens import pack_audio, pack_video
from training.attention import written_out
from training.devices import compute, has_bfloat16
from training.sprite import oracle, text, world
from training.sprite.cache import (
    CACHE,
    encode_audio,
    encode_video,
    load_statistics,
    load_video_vae,
    save,
)
from training.sprite.noising import TIME, Task
from training.sprite.parts import SCHEDULER
from training.sprite.prompts import write_plain
from training.sprite.tokenizer import train_tokenizer
from training.sprite.train_audio import load_audio_vae, load_vocoder
from training.sprite.train_namer import SIDE, unpack
from training.sprite.train_transformer import load_sprite

SHARD, BATCH = 160, 16
STEPS, GUIDANCE = 12, 2.0
FRAME = 1 / world.FPS
EVENLY = (1 / len(world.MOTIONS),) * len(world.MOTIONS)


def sampled_levels(steps: int) -> torch.Tensor:
    """(steps + 1,) sigmas from 1 to 0, shifted as sprite's scheduler shifts them."""
    even = torch.linspace(1, 0, steps + 1)
    shift = SCHEDULER["shift"]
    return shift * even / (1 + (shift - 1) * even)


class Maker:
    """Makes clips of the usual length and judges them."""

    def __init__(self) -> None:
        self.model, self.tokenizer = load_sprite().requires_grad_(False), train_tokenizer()
        self.vae: AutoencoderKLLTX2Video = load_video_vae()
        self.audio_vae: AutoencoderKLLTX2Audio = load_audio_vae()
        self.vocoder = load_vocoder()
        self.statistics = load_statistics()

    def generate(self, prompts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """Latents (B, 64, 9, 4, 4) and (B, 4, 52, 16), by steps that add noise, with guidance."""
        piece, count = TIME.first_window(world.FRAMES), len(prompts)
        noise = [
            torch.randn(count, piece.latents * SIDE**2, 64),
            torch.randn(count, piece.audio_latents, 64),
        ]
        return self._denoise(prompts, noise, sampled_levels(STEPS))

    def remake(self, scenes: list[world.Scene], steps: int) -> tuple[torch.Tensor, torch.Tensor]:
        """As `generate`, but from the scenes themselves, noised to where the last `steps` begin:
        what is shown keeps its place and time, and gets the flaws of what is generated."""
        piece, known = TIME.first_window(world.FRAMES), self.statistics
        levels = sampled_levels(STEPS)[-steps - 1 :]
        video = pack_video(encode_video(scenes, self.vae, world.FRAMES).float())
        audio = pack_audio(encode_audio(scenes, self.audio_vae).float())[:, : piece.audio_latents]
        clean = [
            (video - known["video_mean"]) / known["video_std"],
            (audio - known["audio_mean"]) / known["audio_std"],
        ]
        noised = [torch.lerp(x, torch.randn_like(x), levels[0]) for x in clean]
        return self._denoise([write_plain(s, with_speed=True) for s in scenes], noised, levels)

    @torch.no_grad()
    def _denoise(
        self, prompts: list[str], made: list[torch.Tensor], levels: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        piece, count = TIME.first_window(world.FRAMES), len(prompts)
        tokens = dict(text.tokenise(self.tokenizer, prompts + [""] * count))
        for now, after in pairwise(levels):
            task = Task(*[now.expand(2 * count)] * 4)
            with compute("cpu"), written_out(has_bfloat16()):
                out = self.model(tokens, *(torch.cat([x, x]) for x in made), piece, task)
            for k, (told, free) in enumerate(o.float().chunk(2) for o in out):
                clean = made[k] - now * (free + GUIDANCE * (told - free))
                made[k] = torch.lerp(clean, torch.randn_like(clean), after)
        s = self.statistics
        video = unpack(made[0] * s["video_std"] + s["video_mean"])
        audio = made[1] * s["audio_std"] + s["audio_mean"]
        return video, audio.unflatten(2, (4, -1)).transpose(1, 2)

    @torch.no_grad()
    def show(self, video: torch.Tensor) -> np.ndarray:
        """(B, 33, 96, 96, 3) uint8 of latents."""
        with compute("cpu"):
            pictures = self.vae.decode(video).sample.float().clamp(-1, 1)
        return ((pictures.permute(0, 2, 3, 4, 1) + 1) * 127.5).round().byte().numpy()

    @torch.no_grad()
    def sound(self, audio: torch.Tensor) -> np.ndarray:
        """(B, samples) float64 at 16 kHz of latents, both ears' mean."""
        return self.vocoder(self.audio_vae.decode(audio).sample).mean(1).double().numpy()

    def judge(self, video: torch.Tensor, audio: torch.Tensor) -> list[oracle.Verdict]:
        """What the oracle says of the latents decoded."""
        pairs = zip(self.show(video), self.sound(audio), strict=True)
        return [oracle.judge(frames, wave) for frames, wave in pairs]


def is_right(scene: world.Scene, seen: oracle.Verdict) -> bool:
    """All that a prompt can say is so, and every event that can be seen is heard within a frame."""
    aspects = ("colour", "shape", "motion", "background", "speed")
    if any(getattr(seen, name) != getattr(scene, name) for name in aspects):
        return False
    if seen.audible == scene.silent:
        return False
    return scene.silent or scene.motion not in world.EVENT_OF or all(
        any(abs(heard - shown) <= FRAME for heard in seen.sound_events)
        for shown in seen.picture_events
    )  # fmt: skip


def draw_scenes(
    rng: np.random.Generator, count: int, motions: Sequence[float] = EVENLY
) -> list[world.Scene]:
    """Harder shapes more often, and motions by their shares."""
    shapes = rng.choice(world.SHAPES, count, p=(0.15, 0.25, 0.3, 0.3))
    moved = rng.choice(world.MOTIONS, count, p=motions)
    return [
        world.sample_scene(rng, shape=str(shape), motion=str(motion))
        for shape, motion in zip(shapes, moved, strict=True)
    ]


def write_shard(index: int, maker: Maker) -> tuple[int, int]:
    """`chosen_NNN.pt`; how many were right, of how many."""
    rng = np.random.default_rng(30_000 + index)
    torch.manual_seed(30_000 + index)
    videos, audios, kept = [], [], []
    scenes = draw_scenes(rng, SHARD)
    for at in range(0, SHARD, BATCH):
        some = scenes[at : at + BATCH]
        video, audio = maker.generate([write_plain(s, with_speed=True) for s in some])
        verdicts = maker.judge(video, audio)
        right = [is_right(s, v) for s, v in zip(some, verdicts, strict=True)]
        videos.append(video[right].half())
        audios.append(audio[right].half())
        kept += [asdict(s) for s, good in zip(some, right, strict=True) if good]
    shard = {"video": torch.cat(videos), "audio": torch.cat(audios), "scenes": kept}
    save(shard, CACHE / f"chosen_{index:03d}.pt")
    return len(kept), SHARD


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--every", type=int, default=1, help="for several processes")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    maker = Maker()
    for index in range(args.first, args.shards, args.every):
        if (CACHE / f"chosen_{index:03d}.pt").exists():
            continue
        begin = time.time()
        right, total = write_shard(index, maker)
        print(f"{index}: {right} of {total} right, {time.time() - begin:.0f} s", flush=True)


if __name__ == "__main__":
    main()
