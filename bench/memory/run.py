"""Full-size models with random weights on a GPU: predicted against measured, under caps.

    python -m bench.memory.run --caps 10 16 24

Each case is planned for a cap, the process is held to it, and one stage after the other runs with
the placement and numerics that were chosen. Beside it stand, where the card has room for them and
without a cap: everything resident as it is stored, which is what a bare pipeline does; each of
:data:`WAYS`; and the denoise with each of the model's speeds.

    python -m bench.memory.run --device cpu --models sprite --caps 2

runs all of it at the size of the embedded model on a CPU, where the allocator is asked: it shows
that the script works, and says nothing about a card.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import msgspec
import torch

from bench.common import (
    describe_machine,
    describe_versions,
    judge,
    make_parser,
    print_goals,
    say,
    write_result,
)
from bench.memory.cases import NoCheckpoint, make_extra, make_settings
from bench.memory.gauge import Gauge
from bench.memory.given import make_given
from bench.memory.hollow import open_hollow
from rushes.catalogue.load import find_model
from rushes.catalogue.model import Model, Stated
from rushes.models.base import RESIDENT, DenoiseSettings, Placement
from rushes.plan.memory.choose import Candidate
from rushes.plan.memory.fit import Target
from rushes.plan.memory.standard import plan_shots, standard_shot
from rushes.spec.project import Shot
from rushes.types import VideoShape

GOAL = 0.08
BALANCED = 1.5
"""How many times as fast a denoise at ``balanced`` is to be."""
WAYS: dict[str, tuple[str, Placement]] = {
    "fp8": ("fp8", RESIDENT),
    "nvfp4": ("nvfp4", RESIDENT),
    "offload": ("", Placement("blocks", True, ("transformer", "transformer_2", "text_encoder"))),
}
"""Numerics of the transformers, and where parts lie."""


@dataclass(frozen=True)
class Case:
    """A clip of a model of the catalogue."""

    model: str
    width: int
    height: int
    frames: int
    fps: float


CASES = (
    Case("ltx-2", 768, 512, 121, 24.0),
    Case("ltx-2", 1280, 704, 121, 24.0),
    Case("wan-2.2-ti2v-5b", 1280, 704, 121, 24.0),
    Case("wan-2.1-14b", 832, 480, 81, 16.0),
    Case("hunyuan-video-1.5", 848, 480, 121, 24.0),
    Case("sprite", 96, 96, 33, 16.0),
)
LARGE = sorted({case.model for case in CASES} - {"sprite"})
SPED_STEPS = 20
"""(``--steps``) of a denoise whose speeds are compared."""


def make_shot(case: Case) -> Shot:
    """The clip as the planner knows it."""
    shape = VideoShape(case.frames, case.height, case.width, case.fps)
    return replace(standard_shot(find_model(case.model)), shape=shape)


def open_random(case: Case, device: str, numerics: dict[str, Any]) -> Any:
    """The model with random weights, made on the host when a part is first used."""
    model = msgspec.structs.replace(find_model(case.model), numerics=numerics)
    loaded: Any = open_hollow(model, device, lambda name: make_extra(model, name))
    loaded.hollow_device = "meta"
    load = loaded._load

    def load_filled(name: str) -> Any:
        part = load(name)
        return fill(part) if isinstance(part, torch.nn.Module) else part

    loaded._load = load_filled
    return loaded


def fill(part: torch.nn.Module) -> torch.nn.Module:
    """Host memory for a hollow part, filled from one block of small random numbers."""
    block = torch.randn(1 << 20) * 0.02
    part.to_empty(device="cpu")
    for tensor in [*part.parameters(), *part.buffers()]:
        if tensor.is_floating_point():
            flat = tensor.data.view(-1)
            for start in range(0, flat.numel(), block.numel()):
                piece = flat[start : start + block.numel()]
                piece.copy_(block[: piece.numel()])
        else:
            tensor.data.zero_()
    return part


def make_works(case: Case, loaded: Any) -> dict[str, Any]:
    """The stages as calls; a denoise is two steps."""
    model = loaded.model
    height, width, latents = find_size(case, model)
    settings = make_settings(model, height, width, latents)
    made: dict[str, Any] = {}

    def encode() -> None:
        made["embeds"] = loaded.encode_text("a harbour at dawn", "")

    def denoise(settings: DenoiseSettings = settings) -> Any:
        given = make_given(model, settings, "cpu")
        return loaded.denoise(made["embeds"], settings, given, lambda *_: None, NoCheckpoint())

    video = torch.randn(model.latents.video_channels, latents, height, width)
    works: dict[str, Any] = {
        "encode_text": encode,
        "denoise": denoise,
        "decode_video": lambda: sum(1 for _ in loaded.decode_video({"video": video})),
    }
    if (audio := model.latents.audio) is not None:
        sound = torch.randn(audio.channels, settings.audio_latents, audio.mel_bins)
        works["decode_audio"] = lambda: sum(1 for _ in loaded.decode_audio({"audio": sound}))
    return works


def find_size(case: Case, model: Model) -> tuple[int, int, int]:
    """Height, width and frames, in latents."""
    side, stride = model.latents.video_size, model.latents.video_frames
    return case.height // side, case.width // side, (case.frames - 1) // stride + 1


def run_case(
    case: Case, gauge: Gauge, numerics: dict[str, Any], taken: Mapping[str, Candidate]
) -> dict[str, Any]:
    """Seconds and measured peaks of every stage.

    Args:
        taken: by stage, how it lies; another stage stays resident.
    """
    loaded = open_random(case, gauge.device, numerics)
    rows: dict[str, Any] = {}
    works = make_works(case, loaded)
    stays = all(choice.placement.kind == "resident" for choice in taken.values())
    for work in works.values() if stays else ():
        work()  # what stays is there from the first stage on, as the plan counts it
    for stage, work in works.items():
        choice = taken.get(stage)
        loaded.place(RESIDENT if choice is None else choice.placement)
        work()  # loads, and makes what libraries keep
        rows[stage] = gauge.measure(work, loaded)
        if choice is not None:
            said, measured = choice.prediction, rows[stage]["measured_bytes"]
            predicted = said.weights + said.work + said.widened
            rows[stage] |= {
                "placement": choice.placement.label,
                "predicted_bytes": predicted,
                "miss": round(predicted / measured - 1, 4),
                "slowdown_predicted": choice.slowdown,
            }
    return {"numerics": numerics, "stages": rows}


def measure(case: Case, cap: int, gauge: Gauge) -> dict[str, Any]:
    """One case under one cap; what does not fit or runs out is a row too."""
    card = gauge.describe()
    said: dict[str, Any] = {"case": msgspec.to_builtins(case), "cap_bytes": cap}
    memory = plan_shots([make_shot(case)], Target(card, cap))
    if memory.misfits:
        return {**said, "refused": "nothing fits"}
    numerics = dict(memory.numerics[case.model])
    taken = {choice.stage: choice.taken for choice in memory.choices.values()}
    with gauge.hold_to(cap - card.overhead_bytes):
        return said | attempt(lambda: run_case(case, gauge, numerics, taken))


def measure_way(case: Case, name: str, gauge: Gauge) -> dict[str, Any]:
    """One case without a cap, predicted too; ``name`` of :data:`WAYS`, or "resident"."""
    how, placement = WAYS.get(name, ("", RESIDENT))
    shot = make_shot(case)
    parts = [part.folder for part in shot.model.parts if part.folder.startswith("transformer")]
    numerics = {part: how for part in parts if how}
    if placement.streamed and gauge.device == "cpu":
        placement = Placement("blocks", False, placement.streamed)
    stated = msgspec.structs.replace(shot.model, stated=Stated(shot.model.dtype, numerics))
    memory = plan_shots([replace(shot, model=stated)], Target(gauge.describe(), 10**13))
    taken = {
        choice.stage: candidate
        for choice in memory.choices.values()
        for candidate in choice.candidates
        if candidate.placement.kind == placement.kind
    }
    said: dict[str, Any] = {"case": msgspec.to_builtins(case), "way": name}
    return said | attempt(lambda: run_case(case, gauge, numerics, taken))


def measure_speeds(case: Case, gauge: Gauge, steps: int) -> dict[str, Any]:
    """Seconds of a denoise at every speed over those of the exact one.

    The weights are random: how far the latents drift says nothing here, see bench_speed.
    """
    loaded = open_random(case, gauge.device, {})
    works = make_works(case, loaded)
    works["encode_text"]()
    settings = replace(make_settings(loaded.model, *find_size(case, loaded.model)), steps=steps)
    seconds = {}
    for name, speed in {"exact": None, **loaded.model.speeds}.items():
        run = partial(works["denoise"], replace(settings, speed=speed))
        run()  # compiles
        seconds[name] = gauge.time(run)
    ratios = {name: round(seconds["exact"] / each, 3) for name, each in seconds.items()}
    return {"case": msgspec.to_builtins(case), "seconds": seconds, "times_as_fast": ratios}


def attempt(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a run gives; or that it ran out of memory."""
    try:
        return work()
    except torch.OutOfMemoryError as exc:
        return {"ran_out": str(exc).splitlines()[0]}
    finally:
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--caps", type=float, nargs="+", default=[10, 16, 24], metavar="GB")
    parser.add_argument("--models", nargs="+", default=LARGE)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--steps", type=int, default=SPED_STEPS, help="where speeds are compared")
    args = parser.parse_args()
    if args.device != "cpu" and not torch.cuda.is_available():
        sys.exit("no CUDA device here; with --device cpu --models sprite the script is tried")
    gauge = Gauge(args.device)
    found: dict[str, list[dict[str, Any]]] = {"capped": [], "ways": [], "speeds": []}
    for case in (case for case in CASES if case.model in args.models):
        for cap in args.caps:
            found["capped"].append(measure(case, round(cap * 1e9), gauge))
        found["ways"] += [measure_way(case, name, gauge) for name in ("resident", *WAYS)]
        found["speeds"].append(attempt(partial(measure_speeds, case, gauge, args.steps)))
        say(str({name: rows[-1] for name, rows in found.items()}))
    goals = judge_all(found)
    document = {
        "versions": describe_versions("torch", "diffusers", "transformers"),
        "goals": goals,
        **found,
    }
    machine = describe_machine() | {"device": gauge.title}
    write_result("memory_cards", document, machine, args.results)
    print_goals(goals)


def judge_all(found: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The goals beside what was found."""
    rows = [*found["capped"], *found["ways"]]
    stages = [stage for row in rows for stage in row.get("stages", {}).values()]
    misses = [abs(stage["miss"]) for stage in stages if "miss" in stage]
    ran_out = sum("ran_out" in row for row in found["capped"])
    fast = [row["times_as_fast"]["balanced"] for row in found["speeds"] if "times_as_fast" in row]
    return {
        "largest miss": judge(max(misses, default=None), f"<= {GOAL}"),
        "plans that ran out of memory": judge(float(ran_out), "<= 0"),
        "least gain of balanced": judge(min(fast, default=None), f">= {BALANCED}"),
    }


if __name__ == "__main__":
    main()
