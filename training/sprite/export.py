"""Writes the trained parts as an LTX2Pipeline folder in the hub's layout, float16, file by file.

`python -m training.sprite.export [--out FOLDER]`. Each file is renamed into place, so that a reader
never sees half a file.
"""

import argparse
import json
import os
import shutil
from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, LTX2Pipeline
from torch import nn

from training.sprite import parts
from training.sprite.cache import load_statistics, load_video_vae
from training.sprite.package import WEIGHTS, load_part
from training.sprite.tokenizer import train_tokenizer
from training.sprite.train_audio import load_audio_vae, load_vocoder
from training.sprite.train_transformer import load_sprite
from training.sprite.train_vae import RUNS

LIMIT = 25_000_000  # bytes


@torch.no_grad()
def blend(part: nn.Module, before: nn.Module, share: float) -> None:
    """Leaves of a part so much of its way from what it was before (as WiSE-FT, Wortsman et al.,
    2022, does between what was trained long and what was trained on)."""
    for value, old in zip(part.parameters(), before.parameters(), strict=True):
        value.lerp_(old, 1 - share)


def build_pipeline(use_ema: bool = True, share: float = 1.0) -> LTX2Pipeline:
    """The pipeline in float32, from the latest checkpoints; what the transformer's training made
    is taken `share` of the way from the package's weights."""
    tokenizer = train_tokenizer()
    model = load_sprite(use_ema=use_ema)
    for name in ("text_encoder", "connectors", "transformer") if share < 1 else ():
        part = getattr(model, name)
        blend(part, load_part(type(part), name), share)
    video_vae, audio_vae = load_video_vae(), load_audio_vae()
    statistics = load_statistics()
    video_vae.latents_mean.copy_(statistics["video_mean"])
    video_vae.latents_std.copy_(statistics["video_std"])
    audio_vae.latents_mean.copy_(statistics["audio_mean"])
    audio_vae.latents_std.copy_(statistics["audio_std"])
    return LTX2Pipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(**parts.SCHEDULER),
        vae=video_vae,
        audio_vae=audio_vae,
        text_encoder=model.text_encoder,
        tokenizer=tokenizer,
        connectors=model.connectors,
        transformer=model.transformer,
        vocoder=load_vocoder(),
    )


def export(out: Path, *, use_ema: bool = True, share: float = 1.0) -> int:
    """Saves and moves into `out`; returns the bytes written."""
    staging = RUNS / "export"
    shutil.rmtree(staging, ignore_errors=True)
    pipeline = build_pipeline(use_ema, share)
    for part in ("vae", "audio_vae", "text_encoder", "connectors", "transformer", "vocoder"):
        getattr(pipeline, part).half()
    pipeline.save_pretrained(staging, safe_serialization=True)
    for path in staging.rglob("config.json"):  # parts from the package remember where that lay
        config = json.loads(path.read_text())
        config.pop("_name_or_path", None)
        path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    total = 0
    for path in sorted(p for p in staging.rglob("*") if p.is_file()):
        target = out / path.relative_to(staging)
        target.parent.mkdir(parents=True, exist_ok=True)
        total += path.stat().st_size
        fresh = target.with_name(target.name + ".new")
        shutil.copyfile(path, fresh)
        os.replace(fresh, target)
    if total > LIMIT:
        raise SystemExit(f"{total} bytes are more than the {LIMIT} that a wheel may carry")
    return total


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--last", action="store_true", help="the last weights, not their average")
    parser.add_argument(
        "--share", type=float, default=1.0, help="of the way from the package's weights"
    )
    args = parser.parse_args()
    nbytes = export(args.out, use_ema=not args.last, share=args.share)
    print(f"{nbytes / 1e6:.2f} MB in {args.out}")


if __name__ == "__main__":
    main()
