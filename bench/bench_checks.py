"""How fast clips are judged: decode and all default checks on 480p at 24 fps, on two cores.

The clip is textured, panned and has things that move by themselves, with tones that come and go:
content for which every check has to work. It is judged several times in one process; the scores of
all of them have to be the same to the last digit.
"""

from __future__ import annotations

import os
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from bench import common
from rushes.checks.base import Verdict
from rushes.checks.registry import DEFAULT, check_file
from rushes.media import ExportFormat, encode_clip, read_both

WIDTH, HEIGHT, FPS, RATE = 854, 480, 24, 48_000
GOAL = 4.0


def make_clip(path: Path, seconds: int) -> None:
    """Write the clip as ``make`` writes its own."""
    rng = np.random.default_rng(4)
    count = seconds * FPS
    wide = rng.integers(20, 235, (24, 24 + count // 8, 3)).astype(np.uint8)
    wide = cv2.resize(wide, (WIDTH + 3 * count, HEIGHT), interpolation=cv2.INTER_CUBIC)
    t = np.arange(seconds * RATE) / RATE
    tone = 0.3 * np.sin(2 * np.pi * 440 * t) * (t % 0.8 < 0.3)

    def draw() -> object:
        for n in range(count):
            frame = wide[:, 3 * n : 3 * n + WIDTH].copy()
            for k in range(4):
                place = (
                    int(427 + 300 * np.sin(n / 17 + k)),
                    int(240 + 160 * np.cos(n / 23 + 2 * k)),
                )
                cv2.circle(frame, place, 30, (230, 40 * k, 40), -1, cv2.LINE_AA)
            yield frame

    wave = tone[:, None].repeat(2, 1).astype(np.float32)
    fmt = ExportFormat(preset="veryfast")
    encode_clip(draw(), Fraction(FPS), iter([wave]), RATE, path, fmt)  # type: ignore[arg-type]


def main() -> int:
    parser = common.make_parser(__doc__)
    parser.add_argument("--seconds", type=int, default=20, help="length of the clip")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    machine = common.describe_machine()
    cores = sorted(os.sched_getaffinity(0))[:2]
    os.sched_setaffinity(0, cores)
    found: list[list[Verdict]] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        make_clip(path, options.seconds)

        def judge() -> float:
            start = time.perf_counter()
            found.append(check_file(path, DEFAULT))
            return time.perf_counter() - start

        def decode() -> float:
            start = time.perf_counter()
            for _ in read_both(path):
                pass
            return time.perf_counter() - start

        sides = {"decode and checks": judge, "decode": decode}
        timings = common.time_in_turn(sides, options.repeats, warmups=1)
    median = float(np.median(timings["decode and checks"]))
    same = all(verdicts == found[0] for verdicts in found)
    document = {
        "clip": {"seconds": options.seconds, "size": f"{WIDTH}x{HEIGHT}", "fps": FPS},
        "cores": len(cores),
        "checks": list(DEFAULT),
        "times_real_time": round(options.seconds / median, 2),
        "goal": GOAL,
        "same_scores": same,
        "sides": {name: common.summarise(values) for name, values in timings.items()},
        "versions": common.describe_versions("av", "numpy", "opencv-python-headless"),
    }
    common.write_result("checks", document, machine, options.results)
    common.say(f"{document['times_real_time']} times real time; the same scores: {same}")
    return 0 if same else 1


if __name__ == "__main__":
    raise SystemExit(main())
