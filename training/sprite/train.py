"""The whole recipe, in order: `python -m training.sprite.train --all`, or `--stage NAME`.

Every stage resumes from its last checkpoint under `runs/`. Times are wall-clock budgets on two
CPU cores; `--scale 2` doubles them all.
"""

import argparse
import subprocess
import sys
from dataclasses import dataclass

VAE = "training.sprite.train_vae"
AUDIO = "training.sprite.train_audio"
FOLDED = "s16t4f"
WHOLE = ("--crop", "64", "--span", "9", "--batch", "4")


@dataclass(frozen=True)
class Stage:
    """One command; `minutes` scale, `options` do not."""

    name: str
    module: str
    options: tuple[str, ...]
    minutes: float | None = None

    def command(self, scale: float) -> list[str]:
        timed = ("--minutes", f"{self.minutes * scale:g}") if self.minutes else ()
        return [sys.executable, "-m", self.module, *self.options, *timed]


STAGES = (
    Stage("vae-unfolded", VAE, ("--config", "s8t4", "--crop", "32", "--flat", "1"), 7.5),
    Stage("vae-fold", "training.sprite.fold_vae", ("--threads", "2")),
    Stage("vae", VAE, ("--config", FOLDED, *WHOLE, "--rate", "7e-4", "--threads", "2"), 13),
    Stage("audio-vae", AUDIO, ("vae", "--threads", "2"), 13.5),
    Stage("vocoder", AUDIO, ("vocoder", "--rate", "1.5e-3", "--threads", "2"), 20),
    Stage("latents", "training.sprite.cache", ("--shards", "8", "--threads", "2")),
    Stage("transformer", "training.sprite.train_transformer", (), 195),
    Stage(
        "decoder", VAE,
        ("--config", FOLDED, "--name", f"{FOLDED}_decoder", "--decoder-of", FOLDED,
         *WHOLE, "--rate", "5e-4", "--threads", "2"), 6.5,
    ),
    Stage("export", "training.sprite.export", ()),
)  # fmt: skip


def main() -> None:
    names = [s.name for s in STAGES]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="every stage, in order")
    parser.add_argument("--stage", choices=names, action="append", default=[])
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies every time budget")
    args = parser.parse_args()
    chosen = [s for s in STAGES if args.all or s.name in args.stage]
    if not chosen:
        parser.error(f"say --all, or --stage with one of: {', '.join(names)}")
    for stage in chosen:
        print(f"== {stage.name}", flush=True)
        subprocess.run(stage.command(args.scale), check=True)


if __name__ == "__main__":
    main()
