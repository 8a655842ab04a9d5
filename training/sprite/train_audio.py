"""Trains the audio VAE on log-mels and the vocoder on waveforms. Resumable.

`python -m training.sprite.train_audio vae|vocoder`; waves are `(B, 2, N) float32 in [-1, 1]`.
"""

import argparse
import time
from collections.abc import Callable
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
# the world's waves are functions of their mels: phase can be learnt
WAVE_WEIGHT, SQUARE_WEIGHT = 20.0, 100.0
CLIPS = {"vae": 1200, "vocoder": 400}
BATCH = {"vae": 6, "vocoder": 10}
VOCODER_FRAMES = 20
# short sounds are the hard ones: the vocoder hears more of them, in cuts around them; one that
# heard cuts of 0.41 s from anywhere left every click out
MOTIONS = {"vae": (None,), "vocoder": (None, "slides", None, "bounces", "slides", "blinks")}
AROUND_EVENTS = 0.6  # share of the vocoder's cuts
KINDS = {"thump": 0.3, "click": 0.5, "beep": 0.2}  # shares of those


def draw_scenes(
    count: int, seed: int, motions: tuple[str | None, ...] = (None,)
) -> list[world.Scene]:
    """Scenes of the given motions in turn (None: any)."""
    rng = np.random.default_rng(seed)
    return [world.sample_scene(rng, motion=motions[i % len(motions)]) for i in range(count)]


def render_waves(scenes: list[world.Scene]) -> torch.Tensor:
    """(count, 2, 32800) float16."""
    waves = [world.render_audio(s, mel.SAMPLES) for s in scenes]
    return torch.from_numpy(np.stack(waves)).half()


def find_events(scenes: list[world.Scene]) -> dict[str, list[tuple[int, int]]]:
    """(scene, mel frame) of every event that can be heard, by kind."""
    found: dict[str, list[tuple[int, int]]] = {kind: [] for kind in KINDS}
    for k, scene in enumerate(scenes):
        for when, kind in [] if scene.silent else world.list_events(scene):
            found[kind].append((k, round(when * mel.SAMPLE_RATE / mel.HOP)))
    return found


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


def wave_loss(out: torch.Tensor, wave: torch.Tensor) -> torch.Tensor:
    """Absolute and squared errors of samples."""
    error = out - wave
    return WAVE_WEIGHT * error.abs().mean() + SQUARE_WEIGHT * (error * error).mean()


def vocoder_loss(out: torch.Tensor, wave: torch.Tensor) -> torch.Tensor:
    """Waveform + multi-resolution STFT + mel terms."""
    loss = (mel.log_mel(out) - mel.log_mel(wave)).abs().mean()
    for window, hop in RESOLUTIONS:
        a, b = mel.magnitude(out, window, hop), mel.magnitude(wave, window, hop)
        loss = loss + ((a + 1e-3).log() - (b + 1e-3).log()).abs().mean() / (2 * len(RESOLUTIONS))
        loss = loss + (a - b).abs().mean() / (b.mean() + 0.05) / len(RESOLUTIONS)
    return loss + wave_loss(out, wave)


def draw_starts(
    rng: np.random.Generator, batch: int, count: int, frames: int
) -> list[tuple[int, int]]:
    """(clip, first mel frame) pairs; some at the clip's beginning, some at its end."""
    room = mel.MEL_FRAMES - frames
    starts = rng.integers(-room // 6, room + room // 6 + 1, size=batch).clip(0, room)
    return [(int(k), int(s)) for k, s in zip(rng.integers(count, size=batch), starts, strict=True)]


def draw_around(
    rng: np.random.Generator,
    kinds: list[str],
    events: dict[str, list[tuple[int, int]]],
    frames: int,
) -> list[tuple[int, int]]:
    """(clip, first mel frame) pairs of cuts that an event of each kind lies in."""
    room, starts = mel.MEL_FRAMES - frames, []
    for kind in kinds:
        clip, at = events[kind][rng.integers(len(events[kind]))]
        starts.append((clip, min(max(at - int(rng.integers(1, frames - 2)), 0), room)))
    return starts


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
    parser.add_argument(
        "--batch", type=int, help="cuts of waves; 6 for the VAE, 10 for the vocoder"
    )
    parser.add_argument(
        "--from-weights", action="store_true", help="begin with the weights in the package"
    )
    parser.add_argument("--name", help="the run's folder, audio_NAME; the part if not given")
    parser.add_argument("--after", help="begin with the weights of this run")
    parser.add_argument(
        "--only",
        choices=list(KINDS),
        help="the vocoder hears these events alone, compared as waves",
    )
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
    """The trained vocoder: the run that came last, or else that of the package."""
    runs = [RUNS / f"audio_{name}" / "last.pt" for name in ("vocoder_mixed", "vocoder")]
    path = next((path for path in runs if path.exists()), None)
    if path is None:
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
    args: argparse.Namespace, model: torch.nn.Module, rng: np.random.Generator
) -> Callable[[], torch.Tensor]:
    """A function that draws a batch and gives its loss."""
    batch = args.batch or BATCH[args.part]
    scenes = draw_scenes(CLIPS[args.part], 17, MOTIONS[args.part])
    waves = render_waves(scenes).to(args.device)
    if args.part == "vae":
        # 160 * 4k samples have 4k + 1 mel frames, the lengths that the causal VAE gives back
        return lambda: vae_loss(
            model, cut_waves(waves, draw_starts(rng, batch, len(waves), 100), 100)
        )
    learnt = load_audio_vae().to(args.device)
    plain, decoded = read_mels(waves, None), read_mels(waves, learnt)
    events, near = find_events(scenes), batch if args.only else round(AROUND_EVENTS * batch)

    def step() -> torch.Tensor:
        starts = draw_starts(rng, batch - near, len(waves), VOCODER_FRAMES)
        kinds = rng.choice(list(KINDS), near, p=list(KINDS.values()))
        kinds = [args.only or str(kind) for kind in kinds]
        starts += draw_around(rng, kinds, events, VOCODER_FRAMES)
        source = plain if rng.random() < 0.3 else decoded
        mels = torch.stack([source[k, :, s : s + VOCODER_FRAMES] for k, s in starts]).float()
        compare = wave_loss if args.only else vocoder_loss
        return compare(model(mels), cut_waves(waves, starts, VOCODER_FRAMES))

    return step


def train(args: argparse.Namespace) -> None:
    folder = RUNS / f"audio_{args.name or args.part}"
    folder.mkdir(parents=True, exist_ok=True)
    model = build_vae() if args.part == "vae" else LTX2Vocoder(**parts.VOCODER).train()
    if args.from_weights:
        name = "audio_vae" if args.part == "vae" else "vocoder"
        model.load_state_dict(load_part(type(model), name).state_dict())
    if args.after:
        path = RUNS / f"audio_{args.after}" / "last.pt"
        first = torch.load(path, weights_only=True, map_location="cpu")
        model.load_state_dict(first["model"])
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
    step = make_step(args, model, rng)
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
