"""Writes the trained parts as an LTX2Pipeline folder in the hub's layout, float16, file by file.

`python -m training.sprite.export [--out FOLDER]`. Each file is renamed into place, so that a reader
never sees half a file.
"""

import argparse
import json
import os
import shutil
from pathlib import Path

from diffusers import FlowMatchEulerDiscreteScheduler, LTX2Pipeline

from training.sprite import parts
from training.sprite.cache import load_statistics, load_video_vae
from training.sprite.package import WEIGHTS
from training.sprite.tokenizer import train_tokenizer
from training.sprite.train_audio import load_audio_vae, load_vocoder
from training.sprite.train_transformer import load_sprite
from training.sprite.train_vae import RUNS

LIMIT = 25_000_000  # bytes


def build_pipeline(use_ema: bool = True) -> LTX2Pipeline:
    """The pipeline in float32, from the latest checkpoints."""
    tokenizer = train_tokenizer()
    model = load_sprite(use_ema=use_ema)
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


def export(out: Path, *, use_ema: bool = True) -> int:
    """Saves and moves into `out`; returns the bytes written."""
    staging = RUNS / "export"
    shutil.rmtree(staging, ignore_errors=True)
    pipeline = build_pipeline(use_ema)
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
    args = parser.parse_args()
    print(f"{export(args.out, use_ema=not args.last) / 1e6:.2f} MB in {args.out}")


if __name__ == "__main__":
    main()
