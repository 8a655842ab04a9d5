"""What the shortcuts of a denoise save, and how far they move the latents.

Sprite denoises one clip exactly and with each of its speeds, in turn and in one process, with the
same seed and prompt. The drift is the relative L2 distance of the latents from the exact ones.
Sprite's transformer is so small that what surrounds its blocks weighs more than in a large one.

Besides, the runs of the transformer's blocks are counted: they do not depend on the clock. With
``--count`` that and the drift are all that is reported, for machines that others use meanwhile.
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
    parser.add_argument("--count", action="store_true", help="no seconds: steps and drift alone")
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
    runs: dict[str, int] = {}
    block = sprite.part("transformer").transformer_blocks[0].attn1.to_q

    def denoise(name: str, speed: Any) -> float:
        settings = DenoiseSettings(
            seed=1, first=0, latents=9, audio_offset=0.0, audio_latents=52, height=96, width=96,
            fps=16.0, steps=steps, guidance=3.0, audio_guidance=3.0, speed=speed,
        )  # fmt: skip
        runs[name] = 0

        def count(*_: Any) -> None:
            runs[name] += 1

        handle = block.register_forward_hook(count)
        start = time.perf_counter()
        made = sprite.denoise(embeds, settings, None, lambda done, total: None, NoCheckpoint())
        seconds = time.perf_counter() - start
        handle.remove()
        latents[name] = made
        return seconds

    speeds = {"exact": None, **model.speeds}
    sides = {name: lambda n=name, s=speed: denoise(n, s) for name, speed in speeds.items()}
    repeats, warmups = (1, 0) if args.count else (args.repeats, 1)
    timings = time_in_turn(sides, repeats, warmups=warmups)
    found: dict[str, Any] = {}
    for name in model.speeds:
        drift = {
            kind: round(((value - exact).norm() / exact.norm()).item(), 4)
            for kind, exact in latents["exact"].items()
            for value in (latents[name][kind],)
        }
        share = round(runs[name] / runs["exact"], 3)
        found[name] = {"runs": runs[name], "runs_over_exact": share, "drift": drift}
        if not args.count:
            found[name]["step_time_over_exact"] = compare(timings[name], timings["exact"])
        say(f"{name}: {found[name]}")
    document = {
        "versions": describe_versions("torch", "diffusers"),
        "steps": steps,
        "runs": runs["exact"],
        "speeds": found,
    }
    if not args.count:
        document["sides"] = {name: summarise(values) for name, values in timings.items()}
    write_result("speed_steps" if args.count else "speed", document, machine, args.results)


if __name__ == "__main__":
    main()
