"""A recipe as a list of commands that are run in order, all or some of them."""

import argparse
import subprocess
import sys
from collections.abc import Sequence
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


def run_stages(stages: Sequence[Stage], about: str | None) -> None:
    """Reads the command line and runs what it names."""
    names = [s.name for s in stages]
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--all", action="store_true", help="every stage, in order")
    parser.add_argument("--stage", choices=names, action="append", default=[])
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies every time budget")
    args = parser.parse_args()
    chosen = [s for s in stages if args.all or s.name in args.stage]
    if not chosen:
        parser.error(f"say --all, or --stage with one of: {', '.join(names)}")
    for stage in chosen:
        print(f"== {stage.name}", flush=True)
        subprocess.run(stage.command(args.scale), check=True)
