"""Trains transformer, connectors and text encoder jointly by flow matching on cached latents.

x_t = (1 - sigma) x_0 + sigma noise, the target is noise - x_0, the timestep 1000 sigma: what
LTX2Pipeline samples with. Resumable: `python -m training.sprite.train_transformer`.
"""

import argparse
import time
from collections import Counter

import numpy as np
import torch
from diffusers import LTX2VideoTransformer3DModel
from torch import nn

from rushes.models.base import DenoiseSettings, Given
from rushes.models.ltx2_place import Placement
from rushes.models.ltx2_tokens import pack_audio, pack_video, predict
from rushes.plan.windows import Window
from training.attention import written_out
from training.devices import add_options, check_workers, compute, has_bfloat16, move
from training.sprite import parts, text, world
from training.sprite.cache import CACHE, PIXELS, load_statistics, load_video_vae
from training.sprite.checkpoints import Ema, load, load_average, save
from training.sprite.muon import Both
from training.sprite.noising import DEFAULT, TIME, Task, draw_piece, draw_task
from training.sprite.package import load_part
from training.sprite.prompts import write_prompt
from training.sprite.tokenizer import train_tokenizer
from training.sprite.train_namer import SIDE, Readers, compare_places, load_readers, unpack
from training.sprite.train_vae import RUNS, to_tensor
from training.sprite.workers import average, run_workers, wait_for_all

PROMPT_DROPOUT = 0.1
WEIGHTS = (1.0, 0.7, 1.0, 1.0)  # of the losses: video, audio, outlines, places
# how often a shape and a motion are drawn: more of those that are harder to draw, or to time
SHAPE_WEIGHTS = {"ball": 0.6, "triangle": 0.9, "square": 1.4, "cross": 1.1}
MOTION_WEIGHTS = {"blinks": 2.0, "slides": 2.0, "pulses": 1.2}  # others: 1
CHOSEN = 0.6  # share of batches of the transformer's own clips, where the task allows them
LEAST_SIGMA = 0.15  # below it an error of what is read counts no more than here
ADAM = ("embed_tokens", "table", "registers", "proj_in", "proj_out")


class Sprite(nn.Module):
    """What is trained here, as one module."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.text_encoder = text.build_text_encoder(vocabulary)
        self.connectors = text.build_connectors()
        self.transformer = LTX2VideoTransformer3DModel(**parts.TRANSFORMER)

    def forward(
        self, tokens: dict, video: torch.Tensor, audio: torch.Tensor, piece: Window, task: Task
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Velocities of noised latents (B, tokens, 64) and (B, audio latents, 64)."""
        embeds, audio_embeds, mask = text.encode_text(
            self.text_encoder, self.connectors, tokens["input_ids"], tokens["attention_mask"]
        )
        coords, audio_coords = place_tokens(self.transformer, piece, task)
        return predict(
            self.transformer,
            1000 * task.video_tokens,
            1000 * task.audio_tokens,
            hidden_states=video,
            audio_hidden_states=audio,
            encoder_hidden_states=embeds,
            audio_encoder_hidden_states=audio_embeds,
            encoder_attention_mask=mask,
            audio_encoder_attention_mask=mask,
            sigma=1000 * task.video,
            audio_sigma=1000 * task.audio,
            num_frames=piece.latents,
            height=SIDE,
            width=SIDE,
            fps=float(world.FPS),
            audio_num_frames=piece.audio_latents,
            video_coords=coords.expand(len(video), -1, -1, -1).to(video.device),
            audio_coords=audio_coords.expand(len(video), -1, -1, -1).to(video.device),
        )


def place_tokens(
    transformer: LTX2VideoTransformer3DModel, piece: Window, task: Task
) -> tuple[torch.Tensor, torch.Tensor]:
    """Coordinates (1, 3, tokens, 2) and (1, 1, audio latents, 2), as those of the denoise loop."""
    settings = DenoiseSettings(
        seed=0, first=min(piece.first, 1), latents=piece.latents,
        audio_offset=TIME.audio_offset(piece), audio_latents=piece.audio_latents,
        height=PIXELS, width=PIXELS, fps=float(world.FPS),
        steps=1, guidance=1.0, audio_guidance=1.0,
    )  # fmt: skip
    nothing = torch.zeros(0, dtype=torch.bool)
    pictures = tuple((frame, nothing) for frame in task.keyframes)
    given = Given(nothing, nothing, nothing, nothing, pictures)
    place = Placement(transformer, settings, given, SIDE, SIDE)
    return place.video_coords(), place.audio_coords()


class Clips:
    """Normalised, packed latents of one kind of shards, growing as shards appear."""

    def __init__(self, kind: str, device: str, statistics: dict[str, torch.Tensor]) -> None:
        self.kind, self.device, self.statistics = kind, device, statistics
        self.seen: set[str] = set()
        self.video = torch.empty(0, dtype=torch.float16)
        self.audio = torch.empty(0, dtype=torch.float16)
        self.scenes: list[world.Scene] = []

    def refresh(self) -> None:
        s = self.statistics
        for path in sorted(CACHE.glob(f"{self.kind}_*.pt")):
            if path.name in self.seen:
                continue
            shard = torch.load(path, weights_only=True, map_location=self.device)
            video = (pack_video(shard["video"].float()) - s["video_mean"]) / s["video_std"]
            audio = (pack_audio(shard["audio"].float()) - s["audio_mean"]) / s["audio_std"]
            video = video.unflatten(1, (-1, SIDE * SIDE)).half()
            self.video = torch.cat([self.video, video]) if self.seen else video
            self.audio = torch.cat([self.audio, audio.half()]) if self.seen else audio.half()
            self.scenes += [world.Scene(**d) for d in shard["scenes"]]
            self.seen.add(path.name)

    def pick(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Numbers (count,) of scenes, drawn with replacement: shapes and motions by their weights,
        however many there are of each shape."""
        of = Counter(scene.shape for scene in self.scenes)
        weights = np.array(
            [
                SHAPE_WEIGHTS[s.shape] / of[s.shape] * MOTION_WEIGHTS.get(s.motion, 1.0)
                for s in self.scenes
            ]
        )
        return rng.choice(len(self.scenes), count, p=weights / weights.sum())

    def cover(self, piece: Window) -> bool:
        """Whether there are clips, and they last as long as the piece."""
        return bool(self.seen) and piece.end <= self.video.shape[1]


class Data:
    """Clips in the device's memory: those rendered, and the transformer's own that were right."""

    def __init__(self, device: str = "cpu") -> None:
        self.device = device
        self.statistics = move(load_statistics(), device)
        self.vae = load_video_vae().to(device)
        self.rendered = Clips("shard", device, self.statistics)
        self.chosen = Clips("chosen", device, self.statistics)
        self.refresh()

    def refresh(self) -> None:
        self.rendered.refresh()
        self.chosen.refresh()

    def draw(
        self, rng: np.random.Generator, common: np.random.Generator, latents: int
    ) -> tuple[list[str], torch.Tensor, torch.Tensor, Window, Task]:
        """Prompts, video (B, tokens, 64), audio (B, audio latents, 64) float32, the piece of each
        clip that this is, and what to noise of it; about `latents` latent frames in all.

        `common` is the same in all workers: they wait for each other less where their pieces and
        tasks are of one kind.
        """
        piece = draw_piece(common, self.rendered.video.shape[1])
        batch = max(1, round(latents / piece.latents))
        task = move(draw_task(rng, batch, piece, SIDE * SIDE, common.random()), self.device)
        clips = self.rendered
        if self.chosen.cover(piece) and not task.keyframes and common.random() < CHOSEN:
            clips = self.chosen
        picks = clips.pick(rng, batch)
        scenes = [clips.scenes[k] for k in picks]
        prompts = ["" if rng.random() < PROMPT_DROPOUT else write_prompt(s, rng) for s in scenes]
        video = clips.video[picks, piece.first : piece.end].float().flatten(1, 2)
        audio = clips.audio[picks, piece.audio_first : piece.audio_end].float()
        extra = [self.encode_frame(scenes, k + TIME.shift_of(piece)) for k in task.keyframes]
        return prompts, torch.cat([video, *extra], 1), audio, piece, task

    @torch.no_grad()
    def encode_frame(self, scenes: list[world.Scene], frame: int) -> torch.Tensor:
        """Normalised latents (B, 16, 64) of one frame of each scene, encoded as a picture."""
        pictures = np.stack([world.render_video(s, 1, PIXELS, frame) for s in scenes])
        latents = self.vae.encode(to_tensor(pictures).to(self.device)).latent_dist.mode()
        return (pack_video(latents) - self.statistics["video_mean"]) / self.statistics["video_std"]


def flow_loss(
    model: Sprite,
    tokens: dict,
    video: torch.Tensor,
    audio: torch.Tensor,
    piece: Window,
    task: Task,
    readers: Readers,
) -> tuple[torch.Tensor, ...]:
    """Mean squared error of the velocities of video and of audio, where something was noised, and
    of the outlines and of the places, frame by frame, that are read from the clips that the
    velocities lead to, both weighted as velocities are."""
    sigma_v = task.video_tokens.view(len(video), -1, 1)
    sigma_a = task.audio_tokens.view(len(audio), -1, 1)
    noise_v, noise_a = torch.randn_like(video), torch.randn_like(audio)
    noised = (1 - sigma_v) * video + sigma_v * noise_v
    out_v, out_a = model(tokens, noised, (1 - sigma_a) * audio + sigma_a * noise_a, piece, task)
    keep_v = (sigma_v > 0).float().expand(-1, video.shape[1], 1)
    keep_a = (sigma_a > 0).float().expand(-1, audio.shape[1], 1)
    loss_v = (keep_v * (out_v - noise_v + video) ** 2).mean() / keep_v.mean().clamp(min=1e-3)
    loss_a = (keep_a * (out_a - noise_a + audio) ** 2).mean() / keep_a.mean().clamp(min=1e-3)
    led, level = noised - sigma_v * out_v, task.video.clamp(min=LEAST_SIGMA)
    outlines = (readers.outlines(led) - readers.outlines(video)) ** 2
    places = compare_places(readers.places(unpack(led)), readers.places(unpack(video)))
    return loss_v, loss_a, weigh(outlines, level), weigh(places, level)


def weigh(squares: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
    """The mean of squared errors (B, ...) of clips, each over the square of its level (B,)."""
    return (squares.flatten(1).mean(1) / level**2).mean()


def parse(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_options(parser)
    parser.add_argument("--minutes", type=float, default=75)
    parser.add_argument(
        "--batch", type=int, default=16, help="clips of the usual length, of all workers together"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument(
        "--decay", type=float, default=0.3, help="last share of the time, rate falls"
    )
    parser.add_argument(
        "--from-weights", action="store_true", help="begin with the weights in the package"
    )
    parser.add_argument(
        "--compile", action="store_true", help="the blocks, once a kind of task: some minutes each"
    )
    return parser.parse_args(words)


def load_weights(model: Sprite) -> None:
    """The exported weights (an average, in half precision), where no checkpoint is left."""
    for name in ("text_encoder", "connectors", "transformer"):
        part = getattr(model, name)
        part.load_state_dict(load_part(type(part), name).state_dict())


def load_sprite(*, use_ema: bool = True) -> Sprite:
    """The run's weights, their average or the last, or else what the package carries."""
    model = Sprite(len(train_tokenizer())).eval()
    path = RUNS / "transformer" / "last.pt"
    if not path.exists():
        load_weights(model)
        return model
    saved = torch.load(path, weights_only=True, map_location="cpu")
    if use_ema:
        load_average(model, saved)
    else:
        model.load_state_dict(saved["model"])
    return model


def compile_blocks(model: Sprite) -> None:
    """The transformer's blocks, for any length and batch; state dicts are as before.

    They are compiled when a kind of task is first met: noise levels by clip, by token, or by token
    of the video alone.
    """
    import torch._dynamo.config
    import torch._inductor.config

    torch._dynamo.config.cache_size_limit = 64
    torch._inductor.config.cpp.threads = torch.get_num_threads()
    for block in model.transformer.transformer_blocks:
        block.compile(dynamic=True)


def train(rank: int, args: argparse.Namespace) -> None:
    """One of `args.workers` processes, each with its share of the batch."""
    torch.manual_seed(6)
    tokenizer = train_tokenizer()
    model = Sprite(len(tokenizer))
    if args.from_weights:
        load_weights(model)
    model.to(args.device)
    if args.compile:
        compile_blocks(model)
    optimiser, ema = Both(model, args.rate, ADAM), Ema(model)
    path = RUNS / "transformer" / "last.pt"
    path.parent.mkdir(parents=True, exist_ok=True)
    state = load(path, model, ema, optimiser)
    wait_for_all()
    torch.manual_seed(6000 + 100 * state["step"] + rank)
    rng = np.random.default_rng((6, state["step"], rank))
    data, readers = Data(args.device), load_readers().to(args.device)
    latents = args.batch * DEFAULT // args.workers
    if rank == 0:
        scenes = (
            f"{len(data.rendered.scenes)} scenes and {len(data.chosen.scenes)} clips of its own"
        )
        print(f"{scenes}, from step {state['step']}", flush=True)
    begin, saved_at, losses = time.time() - state["seconds"], time.time(), []
    done = 0.0
    while done < 1:
        rate = args.rate * min(1, (state["step"] + 1) / 100)
        optimiser.set_rate(rate * min(1, (1 - done) / args.decay + 0.01))
        prompts, *batch = data.draw(rng, np.random.default_rng((7, state["step"])), latents)
        tokens = move(dict(text.tokenise(tokenizer, prompts)), args.device)
        with compute(args.device), written_out(args.device == "cpu" and has_bfloat16()):
            terms = torch.stack(flow_loss(model, tokens, *batch, readers))
        optimiser.zero_grad()
        (terms * torch.tensor(WEIGHTS, device=args.device)).sum().backward()
        done = average(model, (time.time() - begin) / (args.minutes * 60))
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        state["step"] += 1
        state["seconds"] = time.time() - begin
        ema.update(model, state["step"])
        losses.append(terms.detach())
        if state["step"] % 50 == 0:
            data.refresh()
        if rank == 0 and state["step"] % 50 == 0:
            mean = " ".join(f"{x:.4f}" for x in torch.stack(losses[-50:]).mean(0).tolist())
            print(f"{state['seconds']:6.0f} s  step {state['step']}  {mean}", flush=True)
        if rank == 0 and time.time() - saved_at > 150:
            saved_at = time.time()
            save(path, model, ema, optimiser, state)
    if rank == 0:
        save(path, model, ema, optimiser, state)


def main() -> None:
    args = parse()
    check_workers(args.device, args.workers)
    run_workers(train, args, args.workers)


if __name__ == "__main__":
    main()
