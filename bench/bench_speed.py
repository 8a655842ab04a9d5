"""What the shortcuts of a denoise save, and how far they move the latents.

Sprite denoises one clip exactly and with each of its speeds, in turn and in one process, with the
same seed and prompt. The drift is the relative L2 distance of the latents from the exact ones.
Sprite's transformer is so small that what surrounds its blocks weighs more than in a large one.
"""

from __future__ import annotations

import os
import time
from typing import Any

from bench.common import (
    compare,
    describe_machine,
    describe_versions,
    make_parser,
    say,
    summarise,
    time_in_turn,
    write_result,
)

PROMPT = "a red ball bounces on a grey background"


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=None, help="sprite's own where not said")
    args = parser.parse_args()
    machine = describe_machine()

    import torch

    from rushes.catalogue.load import find_model
    from rushes.hub import find_checkpoint
    from rushes.models.base import DenoiseSettings, find_family
    from rushes.stages.checkpoint import NoCheckpoint

    torch.set_num_threads(os.cpu_count() or 1)
    model = find_model("sprite")
    sprite = find_family(model.family).open(find_checkpoint(model), model, "cpu")
    embeds = sprite.encode_text(PROMPT, "")
    steps = args.steps or model.defaults.steps
    latents: dict[str, dict[str, torch.Tensor]] = {}

    def denoise(name: str, speed: Any) -> float:
        settings = DenoiseSettings(
            seed=1, first=0, latents=9, audio_offset=0.0, audio_latents=52, height=64, width=64,
            fps=16.0, steps=steps, guidance=3.0, audio_guidance=3.0, speed=speed,
        )  # fmt: skip
        start = time.perf_counter()
        made = sprite.denoise(embeds, settings, None, lambda done, total: None, NoCheckpoint())
        seconds = time.perf_counter() - start
        latents[name] = made
        return seconds

    speeds = {"exact": None, **model.speeds}
    sides = {name: lambda n=name, s=speed: denoise(n, s) for name, speed in speeds.items()}
    timings = time_in_turn(sides, args.repeats, warmups=1)
    found: dict[str, Any] = {}
    for name in model.speeds:
        drift = {
            kind: round(((value - exact).norm() / exact.norm()).item(), 4)
            for kind, exact in latents["exact"].items()
            for value in (latents[name][kind],)
        }
        ratio = compare(timings[name], timings["exact"])
        found[name] = {"step_time_over_exact": ratio, "drift": drift}
        say(f"{name}: {ratio} of the time a step, drift {drift}")
    document = {
        "versions": describe_versions("torch", "diffusers"),
        "steps": steps,
        "speeds": found,
        "sides": {name: summarise(values) for name, values in timings.items()},
    }
    write_result("speed", document, machine, args.results)


if __name__ == "__main__":
    main()
