"""Writes spotter as a folder in the hub's layout, float16, file by file.

`python -m training.spotter.export [--out FOLDER]`; `--files-only` leaves the weights out. Each file
is renamed into place, so that a reader never sees half a file.
"""

import argparse
import json
import os
import shutil
from pathlib import Path

import torch

from training.spotter import parts
from training.spotter.model import Spotter
from training.spotter.shards import RUNS
from training.spotter.tokenizer import train_tokenizer

OUT = Path(__file__).parents[2] / "src" / "rushes" / "weights" / "spotter"
LIMIT = 25_000_000  # bytes
WEIGHTS = "model.safetensors"


def load_trained(path: Path) -> Spotter:
    """The averaged weights of a run."""
    model = Spotter(train_tokenizer()).eval()
    saved = torch.load(path, weights_only=True, map_location="cpu")
    model.load_state_dict(saved["model"])
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(saved["ema"][name])
    return model


def write_folder(model: Spotter, folder: Path) -> None:
    """Everything that a checkpoint of the hub has."""
    shutil.rmtree(folder, ignore_errors=True)
    model.reader.half().save_pretrained(folder)
    train_tokenizer().save_pretrained(folder)
    for name, content in (
        ("preprocessor_config.json", parts.IMAGE_PROCESSOR),
        ("video_preprocessor_config.json", parts.VIDEO_PROCESSOR),
    ):
        document = content | {"processor_class": parts.PROCESSOR_CLASS}
        (folder / name).write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")


def move_files(staging: Path, out: Path, *, files_only: bool) -> int:
    """Each file by a rename; returns the bytes."""
    total = 0
    for path in sorted(p for p in staging.rglob("*") if p.is_file()):
        if files_only and path.name == WEIGHTS:
            continue
        target = out / path.relative_to(staging)
        target.parent.mkdir(parents=True, exist_ok=True)
        total += path.stat().st_size
        fresh = target.with_name(target.name + ".new")
        shutil.copyfile(path, fresh)
        os.replace(fresh, target)
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--run", type=Path, default=RUNS / "reader")
    parser.add_argument("--files-only", action="store_true", help="all but the weights")
    args = parser.parse_args()
    if args.files_only:
        model = Spotter(train_tokenizer())
    else:
        model = load_trained(args.run / "last.pt")
    staging = RUNS / "export"
    write_folder(model, staging)
    total = move_files(staging, args.out, files_only=args.files_only)
    if total > LIMIT:
        raise SystemExit(f"{total} bytes are more than the {LIMIT} that a wheel may carry")
    print(f"{total / 1e6:.2f} MB in {args.out}")


if __name__ == "__main__":
    main()
