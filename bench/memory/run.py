"""Full-size models with random weights on a GPU: predicted against measured, under caps.

    python -m bench.memory.run --caps 10 16 24

Each case is planned for a cap, the process is held to it, and one stage after the other runs with
the placement and numerics that were chosen. Beside it stands the stage with everything resident and
no cap, as a bare pipeline runs it, where the card has room for that. Needs a CUDA device; what can
be measured without one is in ``bench/memory/measured.py``.
"""

from __future__ import annotations

import gc
import sys
import time
from dataclasses import dataclass, replace
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
from bench.memory.hollow import open_hollow
from rushes.catalogue.footprint import find_footprint
from rushes.catalogue.load import find_model
from rushes.models.base import RESIDENT
from rushes.plan.memory.fit import MemoryPlan, Target
from rushes.plan.memory.standard import plan_shots, standard_shot
from rushes.run.machine import describe_gpu
from rushes.spec.project import Shot
from rushes.types import VideoShape

GOAL = 0.10
STAGES = ("encode_text", "denoise", "decode_video")


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
)


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
    side, stride = model.latents.video_size, model.latents.video_frames
    height, width = case.height // side, case.width // side
    latents = (case.frames - 1) // stride + 1
    settings = make_settings(model, height, width, latents)
    made: dict[str, Any] = {}

    def encode() -> None:
        made["embeds"] = loaded.encode_text("a harbour at dawn", "")

    def denoise() -> None:
        loaded.denoise(made["embeds"], settings, None, lambda *_: None, NoCheckpoint())

    video = torch.randn(model.latents.video_channels, latents, height, width)
    return {
        "encode_text": encode,
        "denoise": denoise,
        "decode_video": lambda: sum(1 for _ in loaded.decode_video({"video": video})),
    }


def run_case(case: Case, device: str, memory: MemoryPlan | None) -> dict[str, Any]:
    """Seconds and measured peaks of every stage; ``memory`` None for all resident."""
    numerics = {} if memory is None else dict(memory.numerics[case.model])
    loaded = open_random(case, device, numerics)
    rows: dict[str, Any] = {}
    choices = {} if memory is None else {c.stage: c for c in memory.choices.values()}
    for stage, work in make_works(case, loaded).items():
        taken = choices[stage].taken if stage in choices else None
        loaded.place(RESIDENT if taken is None else taken.placement)
        work()  # loads, and makes what libraries keep
        torch.cuda.reset_peak_memory_stats(device)
        torch.cuda.synchronize(device)
        start = time.perf_counter()
        work()
        torch.cuda.synchronize(device)
        measured = torch.cuda.max_memory_allocated(device)
        rows[stage] = {
            "seconds": round(time.perf_counter() - start, 3),
            "measured_bytes": measured,
            "reserved_bytes": torch.cuda.max_memory_reserved(device),
        }
        if taken is not None:
            predicted = taken.prediction.allocated
            rows[stage] |= {
                "placement": taken.placement.label,
                "predicted_bytes": predicted,
                "miss": round(predicted / measured - 1, 4),
                "slowdown_predicted": taken.slowdown,
            }
    return {"numerics": numerics, "stages": rows}


def measure(case: Case, cap: int, device: str) -> dict[str, Any]:
    """One case under one cap; what does not fit or runs out is a row too."""
    card = describe_gpu(torch.device(device).index or 0)
    assert card is not None
    said: dict[str, Any] = {"case": msgspec.to_builtins(case), "cap_bytes": cap}
    if find_footprint(find_model(case.model)) is None:
        return {**said, "refused": "not traced"}
    memory = plan_shots([make_shot(case)], Target(card, cap))
    if memory.misfits:
        return {**said, "refused": "nothing fits"}
    total = torch.cuda.get_device_properties(device).total_memory
    share = min((cap - card.overhead_bytes) / total, 1.0)
    torch.cuda.set_per_process_memory_fraction(share, device)
    try:
        return {**said, **run_case(case, device, memory)}
    except torch.cuda.OutOfMemoryError as exc:
        return {**said, "ran_out": str(exc).splitlines()[0]}
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)
        gc.collect()
        torch.cuda.empty_cache()


def measure_bare(case: Case, device: str) -> dict[str, Any]:
    """The case with everything resident and no cap."""
    try:
        return {"case": msgspec.to_builtins(case), **run_case(case, device, None)}
    except torch.cuda.OutOfMemoryError as exc:
        return {"case": msgspec.to_builtins(case), "ran_out": str(exc).splitlines()[0]}
    finally:
        gc.collect()
        torch.cuda.empty_cache()


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--caps", type=float, nargs="+", default=[10, 16, 24], metavar="GB")
    parser.add_argument("--models", nargs="+", default=sorted({case.model for case in CASES}))
    parser.add_argument("--device", default="cuda:0")
    args = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("no CUDA device here; without one: python -m bench.memory.measured")
    machine = describe_machine() | {"gpu": torch.cuda.get_device_name(args.device)}
    capped, bare = [], []
    for case in (case for case in CASES if case.model in args.models):
        bare.append(measure_bare(case, args.device))
        for cap in args.caps:
            capped.append(measure(case, round(cap * 1e9), args.device))
            say(str(capped[-1]))
    misses = [abs(s["miss"]) for row in capped for s in row.get("stages", {}).values()]
    ran_out = sum("ran_out" in row for row in capped)
    goals = {
        "largest miss": judge(max(misses, default=None), f"<= {GOAL}"),
        "plans that ran out of memory": judge(float(ran_out), "<= 0"),
    }
    document = {
        "versions": describe_versions("torch", "diffusers", "transformers"),
        "goals": goals,
        "capped": capped,
        "resident": bare,
    }
    write_result("memory_cards", document, machine, args.results)
    print_goals(goals)


if __name__ == "__main__":
    main()
