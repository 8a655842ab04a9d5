"""Trains the audio VAE on log-mels and the vocoder on waveforms. Resumable.

`python -m training.sprite.train_audio vae|vocoder`; waves are `(B, 2, N) float32 in [-1, 1]`.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLLTX2Audio
from diffusers.pipelines.ltx2.vocoder import LTX2Vocoder

from training.devices import compute
from training.sprite import mel, parts, world
from training.sprite.muon import Both
from training.sprite.package import load_part

RUNS = Path(__file__).parent / "runs"
KL_WEIGHT = 3e-4
START_LOG_VARIANCE = -5.0
RESOLUTIONS = ((128, 32), (256, 64), (512, 128), (1024, 256))  # (window, hop), samples
WAVE_WEIGHT = 20.0  # the world's waves are functions of their mels: phase can be learnt
CLIPS = {"vae": 1200, "vocoder": 400}
BATCH = {"vae": 6, "vocoder": 5}
VOCODER_FRAMES = 41
# short sounds are the hard ones: the vocoder hears more of them
MOTIONS = {"vae": (None,), "vocoder": (None, "bounces", None, "slides", None, "bounces", "blinks")}


def render_waves(count: int, seed: int, motions: tuple[str | None, ...] = (None,)) -> torch.Tensor:
    """(count, 2, 32800) float16, of the given motions in turn (None: any)."""
    rng = np.random.default_rng(seed)
    scenes = [world.sample_scene(rng, motion=motions[i % len(motions)]) for i in range(count)]
    waves = [world.render_audio(s, mel.SAMPLES) for s in scenes]
    return torch.from_numpy(np.stack(waves)).half()


def build_vae() -> AutoencoderKLLTX2Audio:
    """A fresh audio VAE with a narrow posterior (see train_vae.build_vae)."""
    vae = AutoencoderKLLTX2Audio(**parts.AUDIO_VAE)
    last = vae.encoder.conv_out.conv
    half = parts.AUDIO_VAE["latent_channels"]
    with torch.no_grad():
        last.weight[half:].zero_()
        last.bias[half:] = START_LOG_VARIANCE
    return vae.train()


def vae_loss(vae: AutoencoderKLLTX2Audio, wave: torch.Tensor) -> torch.Tensor:
    """L1 + MSE of the log-mel, plus a small KL. The mel's length must be 4k + 1."""
    target = mel.log_mel(wave)
    posterior = vae.encode(target).latent_dist
    error = vae.decode(posterior.sample()).sample - target
    kl = 0.5 * (posterior.mean**2 + posterior.var - 1 - posterior.logvar)
    return error.abs().mean() + (error * error).mean() + KL_WEIGHT * kl.mean()


def vocoder_loss(vocoder: LTX2Vocoder, mels: torch.Tensor, wave: torch.Tensor) -> torch.Tensor:
    """Waveform + multi-resolution STFT + mel terms."""
    out = vocoder(mels)
    loss = (mel.log_mel(out) - mel.log_mel(wave)).abs().mean()
    for window, hop in RESOLUTIONS:
        a, b = mel.magnitude(out, window, hop), mel.magnitude(wave, window, hop)
        loss = loss + ((a + 1e-3).log() - (b + 1e-3).log()).abs().mean() / (2 * len(RESOLUTIONS))
        loss = loss + (a - b).abs().mean() / (b.mean() + 0.05) / len(RESOLUTIONS)
    return loss + WAVE_WEIGHT * (out - wave).abs().mean()


def draw_starts(
    rng: np.random.Generator, batch: int, count: int, frames: int
) -> list[tuple[int, int]]:
    """(clip, first mel frame) pairs; some at the clip's beginning, some at its end."""
    room = mel.MEL_FRAMES - frames
    starts = rng.integers(-room // 6, room + room // 6 + 1, size=batch).clip(0, room)
    return [(int(k), int(s)) for k, s in zip(rng.integers(count, size=batch), starts, strict=True)]


def cut_waves(waves: torch.Tensor, starts: list[tuple[int, int]], frames: int) -> torch.Tensor:
    """(B, 2, frames * 160) float32."""
    hop = mel.HOP
    return torch.stack([waves[k, :, s * hop : (s + frames) * hop] for k, s in starts]).float()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=("vae", "vocoder"))
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--batch", type=int, help="cuts of waves; 6 for the VAE, 5 for the vocoder")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(2)
    train(args)


def load_audio_vae() -> AutoencoderKLLTX2Audio:
    """The trained audio VAE: that of the runs, or else that of the package."""
    path = RUNS / "audio_vae" / "last.pt"
    if path.exists():
        vae = AutoencoderKLLTX2Audio(**parts.AUDIO_VAE)
        saved = torch.load(path, weights_only=True, map_location="cpu")
        vae.load_state_dict(saved["model"])
    else:
        vae = load_part(AutoencoderKLLTX2Audio, "audio_vae")
    return vae.eval().requires_grad_(False)


def load_vocoder() -> LTX2Vocoder:
    """The trained vocoder: that of the runs, or else that of the package."""
    path = RUNS / "audio_vocoder" / "last.pt"
    if not path.exists():
        return load_part(LTX2Vocoder, "vocoder").eval()
    vocoder = LTX2Vocoder(**parts.VOCODER)
    vocoder.load_state_dict(torch.load(path, weights_only=True)["model"])
    return vocoder.eval()


@torch.no_grad()
def read_mels(waves: torch.Tensor, vae: AutoencoderKLLTX2Audio | None) -> torch.Tensor:
    """(N, 2, 205, 64) float16 log-mels, as they are or as the audio VAE gives them back."""
    out = []
    for i in range(0, len(waves), 10):
        mels = mel.log_mel(waves[i : i + 10].float())[:, :, : mel.MEL_FRAMES]
        out.append((vae.decode(vae.encode(mels).latent_dist.mode()).sample if vae else mels).half())
    return torch.cat(out)


def make_step(
    args: argparse.Namespace, model: torch.nn.Module, waves: torch.Tensor, rng: np.random.Generator
):
    """A function that draws a batch and gives its loss."""
    batch = args.batch or BATCH[args.part]
    if args.part == "vae":
        # 160 * 4k samples have 4k + 1 mel frames, the lengths that the causal VAE gives back
        return lambda: vae_loss(
            model, cut_waves(waves, draw_starts(rng, batch, len(waves), 100), 100)
        )
    learnt = load_audio_vae().to(args.device)
    plain, decoded = read_mels(waves, None), read_mels(waves, learnt)

    def step() -> torch.Tensor:
        starts = draw_starts(rng, batch, len(waves), VOCODER_FRAMES)
        source = plain if rng.random() < 0.3 else decoded
        mels = torch.stack([source[k, :, s : s + VOCODER_FRAMES] for k, s in starts]).float()
        return vocoder_loss(model, mels, cut_waves(waves, starts, VOCODER_FRAMES))

    return step


def train(args: argparse.Namespace) -> None:
    folder = RUNS / f"audio_{args.part}"
    folder.mkdir(parents=True, exist_ok=True)
    model = build_vae() if args.part == "vae" else LTX2Vocoder(**parts.VOCODER).train()
    model.to(args.device)
    optimiser = Both(model, args.rate)
    state = {"step": 0, "seconds": 0.0}
    path = folder / "last.pt"
    if path.exists():
        saved = torch.load(path, weights_only=True, map_location=args.device)
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        state = saved["state"]
    rng = np.random.default_rng(200 + state["step"])
    waves = render_waves(CLIPS[args.part], 17, MOTIONS[args.part]).to(args.device)
    step = make_step(args, model, waves, rng)
    print(f"{args.part}: {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M", flush=True)
    begin, saved_at, losses = time.time() - state["seconds"], time.time(), []
    while True:
        done = (time.time() - begin) / (args.minutes * 60)
        rate = args.rate * min(1, (state["step"] + 1) / 60) * min(1, max(0, 1 - done) / 0.4 + 0.01)
        optimiser.set_rate(rate)
        with compute(args.device):
            loss = step()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        losses.append(loss.detach())
        state["step"] += 1
        if done >= 1 or time.time() - saved_at > 45:
            saved_at = time.time()
            state["seconds"] = saved_at - begin
            mean = torch.stack(losses[-60:]).mean()
            print(f"{state['seconds']:6.0f} s  step {state['step']}  loss {mean:.4f}", flush=True)
            saved = {
                "model": model.state_dict(),
                "optimiser": optimiser.state_dict(),
                "state": state,
            }
            torch.save(saved, path.with_suffix(".tmp"))
            path.with_suffix(".tmp").rename(path)
        if done >= 1:
            return


if __name__ == "__main__":
    main()
