"""The whole recipe, in order: `python -m training.spotter.train --all`, or `--stage NAME`.

Every stage goes on from where it was interrupted. Training's time is a wall-clock budget on two CPU
cores with nothing else to do; `--scale 2` doubles it.
"""

import argparse
import subprocess
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One command; `minutes` scale, `options` do not."""

    name: str
    module: str
    options: tuple[str, ...] = ()
    minutes: float | None = None

    def command(self, scale: float) -> list[str]:
        timed = ("--minutes", f"{self.minutes * scale:g}") if self.minutes else ()
        return [sys.executable, "-m", self.module, *self.options, *timed]


STAGES = (
    Stage("clips", "training.spotter.cache", ("--shards", "12", "--workers", "2")),
    Stage("reader", "training.spotter.train_reader", ("--workers", "2"), 100),
    Stage("export", "training.spotter.export"),
)


def main() -> None:
    names = [s.name for s in STAGES]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="every stage, in order")
    parser.add_argument("--stage", choices=names, action="append", default=[])
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies training's budget")
    args = parser.parse_args()
    chosen = [s for s in STAGES if args.all or s.name in args.stage]
    if not chosen:
        parser.error(f"say --all, or --stage with one of: {', '.join(names)}")
    for stage in chosen:
        print(f"== {stage.name}", flush=True)
        subprocess.run(stage.command(args.scale), check=True)


if __name__ == "__main__":
    main()
