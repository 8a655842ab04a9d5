"""Trains transformer, connectors and text encoder jointly by flow matching on cached latents.

x_t = (1 - sigma) x_0 + sigma noise, the target is noise - x_0, the timestep 1000 sigma: what
LTX2Pipeline samples with. Resumable: `python -m training.sprite.train_transformer`.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from diffusers import LTX2VideoTransformer3DModel
from torch import nn

from training.sprite import parts, text, world
from training.sprite.cache import CACHE, pack_audio, pack_video
from training.sprite.muon import Both
from training.sprite.prompts import write_prompt
from training.sprite.tokenizer import train_tokenizer
from training.sprite.train_vae import RUNS

FRAMES, SIDE, AUDIO_FRAMES = 9, 4, 52  # of the latents
PROMPT_DROPOUT = 0.1
AUDIO_WEIGHT = 0.7
EMA_DECAY = 0.998
WEIGHTS = Path(__file__).parents[2] / "src" / "rushes" / "weights" / "sprite"
ADAM = ("embed_tokens", "table", "registers", "proj_in", "proj_out")


class Sprite(nn.Module):
    """What is trained here, as one module."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.text_encoder = text.build_text_encoder(vocabulary)
        self.connectors = text.build_connectors()
        self.transformer = LTX2VideoTransformer3DModel(**parts.TRANSFORMER)

    def forward(self, tokens: dict, video: torch.Tensor, audio: torch.Tensor, times: dict) -> tuple:
        """Velocities of latents (B, 144, 64) and (B, 52, 64); times as `draw_times` gives."""
        embeds, audio_embeds, mask = text.encode_text(
            self.text_encoder, self.connectors, tokens["input_ids"], tokens["attention_mask"]
        )
        return self.transformer(
            hidden_states=video,
            audio_hidden_states=audio,
            encoder_hidden_states=embeds,
            audio_encoder_hidden_states=audio_embeds,
            encoder_attention_mask=mask,
            audio_encoder_attention_mask=mask,
            timestep=1000 * times["token"],
            audio_timestep=1000 * times["audio"],
            sigma=1000 * times["video"],
            audio_sigma=1000 * times["audio"],
            num_frames=FRAMES,
            height=SIDE,
            width=SIDE,
            fps=float(world.FPS),
            audio_num_frames=AUDIO_FRAMES,
            use_cross_timestep=True,
            return_dict=False,
        )


class Data:
    """Normalised, packed latents in memory, growing as shards appear."""

    def __init__(self) -> None:
        self.statistics = torch.load(CACHE / "statistics.pt", weights_only=True)
        self.seen: set[str] = set()
        self.video = torch.empty(0, FRAMES * SIDE * SIDE, 64, dtype=torch.float16)
        self.audio = torch.empty(0, AUDIO_FRAMES, 64, dtype=torch.float16)
        self.scenes: list[world.Scene] = []
        self.refresh()

    def refresh(self) -> None:
        s = self.statistics
        for path in sorted(CACHE.glob("shard_*.pt")):
            if path.name in self.seen:
                continue
            shard = torch.load(path, weights_only=True)
            video = (pack_video(shard["video"].float()) - s["video_mean"]) / s["video_std"]
            audio = (pack_audio(shard["audio"].float()) - s["audio_mean"]) / s["audio_std"]
            self.video = torch.cat([self.video, video.half()])
            self.audio = torch.cat([self.audio, audio.half()])
            self.scenes += [world.Scene(**d) for d in shard["scenes"]]
            self.seen.add(path.name)

    def draw(
        self, rng: np.random.Generator, batch: int
    ) -> tuple[list[str], torch.Tensor, torch.Tensor]:
        """Prompts, video (B, 144, 64), audio (B, 52, 64) float32."""
        picks = rng.integers(len(self.scenes), size=batch)
        prompts = [
            "" if rng.random() < PROMPT_DROPOUT else write_prompt(self.scenes[k], rng)
            for k in picks
        ]
        return prompts, self.video[picks].float(), self.audio[picks].float()


def draw_times(rng: np.random.Generator, batch: int) -> dict[str, torch.Tensor]:
    """Sigmas: `video`, `audio` (B,) and `token` (B,) or (B, 144), and `keep` for the losses.

    Mostly one sigma for both; sometimes two, or one modality given (sigma 0); in some batches the
    first latent frames are given, as for image-to-video and extension.
    """
    video = 1 / (1 + np.exp(-rng.normal(0.3, 1.1, batch)))
    audio = video.copy()
    kind = rng.random(batch)
    apart = kind < 0.06
    audio[apart] = rng.random(apart.sum())
    audio[(kind >= 0.06) & (kind < 0.11)] = 0.0
    video[(kind >= 0.11) & (kind < 0.14)] = 0.0
    times = {"video": torch.from_numpy(video).float(), "audio": torch.from_numpy(audio).float()}
    times["token"] = times["video"]
    if rng.random() < 0.12:
        clean = np.where(rng.random(batch) < 0.7, rng.choice((1, 1, 1, 2, 3, 5), batch), 0)
        frame = np.arange(FRAMES)[None].repeat(batch, 0)
        sigma = np.where(frame < clean[:, None], 0.0, video[:, None]).repeat(SIDE * SIDE, 1)
        times["token"] = torch.from_numpy(sigma).float()
    return times


def flow_loss(
    model: Sprite, tokens: dict, video: torch.Tensor, audio: torch.Tensor, times: dict
) -> tuple:
    """Mean squared error of the velocities of video and of audio, where something was noised."""
    sigma_v = times["token"].view(len(video), -1, 1)
    sigma_a = times["audio"].view(-1, 1, 1)
    noise_v, noise_a = torch.randn_like(video), torch.randn_like(audio)
    out_v, out_a = model(
        tokens,
        (1 - sigma_v) * video + sigma_v * noise_v,
        (1 - sigma_a) * audio + sigma_a * noise_a,
        times,
    )
    keep_v = (sigma_v > 0).float().expand(-1, video.shape[1], 1)
    keep_a = (sigma_a > 0).float()
    loss_v = (keep_v * (out_v - noise_v + video) ** 2).mean() / keep_v.mean().clamp(min=1e-3)
    loss_a = (keep_a * (out_a - noise_a + audio) ** 2).mean() / keep_a.mean().clamp(min=1e-3)
    return loss_v, loss_a


class Ema:
    """An exponential average of the trainable parameters."""

    def __init__(self, model: nn.Module) -> None:
        self.values = {n: p.detach().clone() for n, p in model.named_parameters()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        decay = min(EMA_DECAY, (1 + step) / (10 + step))
        for name, p in model.named_parameters():
            self.values[name].lerp_(p, 1 - decay)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=75)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument(
        "--decay", type=float, default=0.3, help="last share of the time, rate falls"
    )
    parser.add_argument(
        "--from-weights", action="store_true", help="begin with the weights in the package"
    )
    return parser.parse_args()


def load_weights(model: Sprite) -> None:
    """The exported weights (an average, in half precision), where no checkpoint is left."""
    for name in ("text_encoder", "connectors", "transformer"):
        part = getattr(model, name)
        saved = type(part).from_pretrained(str(WEIGHTS / name), dtype=torch.float32)
        part.load_state_dict(saved.state_dict())


def save(path, model, ema, optimiser, state, rng) -> None:
    saved = {
        "model": model.state_dict(),
        "ema": ema.values,
        "optimiser": optimiser.state_dict(),
        "state": state,
        "torch_rng": torch.get_rng_state(),
        "numpy_rng": rng.bit_generator.state,
    }
    torch.save(saved, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").rename(path)


def train(args: argparse.Namespace) -> None:
    torch.manual_seed(6)
    rng = np.random.default_rng(6)
    tokenizer = train_tokenizer()
    model = Sprite(len(tokenizer))
    if args.from_weights:
        load_weights(model)
    optimiser, ema = Both(model, args.rate, ADAM), Ema(model)
    state = {"step": 0, "seconds": 0.0}
    folder = RUNS / "transformer"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "last.pt"
    if path.exists():
        saved = torch.load(path, weights_only=False)
        model.load_state_dict(saved["model"])
        ema.values = saved["ema"]
        optimiser.load_state_dict(saved["optimiser"])
        state = saved["state"]
        torch.set_rng_state(saved["torch_rng"])
        rng.bit_generator.state = saved["numpy_rng"]
    data = Data()
    print(f"{len(data.scenes)} scenes, from step {state['step']}", flush=True)
    begin, saved_at, losses = time.time() - state["seconds"], time.time(), []
    while (done := (time.time() - begin) / (args.minutes * 60)) < 1:
        rate = args.rate * min(1, (state["step"] + 1) / 100)
        optimiser.set_rate(rate * min(1, (1 - done) / args.decay + 0.01))
        prompts, video, audio = data.draw(rng, args.batch)
        tokens = text.tokenise(tokenizer, prompts)
        loss_v, loss_a = flow_loss(model, tokens, video, audio, draw_times(rng, args.batch))
        optimiser.zero_grad()
        (loss_v + AUDIO_WEIGHT * loss_a).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        state["step"] += 1
        ema.update(model, state["step"])
        losses.append((loss_v.item(), loss_a.item()))
        if state["step"] % 50 == 0:
            state["seconds"] = time.time() - begin
            v, a = np.mean(losses[-50:], axis=0)
            print(f"{state['seconds']:6.0f} s  step {state['step']}  {v:.4f} {a:.4f}", flush=True)
            data.refresh()
        if time.time() - saved_at > 150:
            saved_at = time.time()
            state["seconds"] = saved_at - begin
            save(path, model, ema, optimiser, state, rng)
    state["seconds"] = time.time() - begin
    save(path, model, ema, optimiser, state, rng)


if __name__ == "__main__":
    options = parse()
    torch.set_num_threads(options.threads)
    train(options)
