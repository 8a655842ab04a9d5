"""Predicted against measured on a CPU: random models of the true classes, tiny and middle-sized.

    python -m bench.memory.measured

A model is traced without weights as the catalogue's are; then it is made with random ones, its
stages run, and the CPU's allocator is asked what it gave out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import torch

from bench.common import (
    describe_machine,
    describe_versions,
    judge,
    make_parser,
    print_goals,
    write_result,
)
from bench.memory.cases import (
    NoCheckpoint,
    coder_quantities,
    find_window,
    make_extra,
    make_settings,
)
from bench.memory.given import make_given
from bench.memory.hollow import open_hollow, read_config
from bench.memory.meter import measure_allocations
from bench.memory.trace import trace_model
from bench.memory.weigh import nbytes_of
from rushes.catalogue.footprint import Footprint
from rushes.catalogue.load import find_model
from rushes.catalogue.model import Model

GOAL = 0.10


@dataclass(frozen=True)
class Sized:
    """A model of the catalogue in another size.

    Args:
        changes: to the configurations, by part.
        sizes: WIDTHxHEIGHT; the last one is measured, and lies within those that are traced.
    """

    name: str
    model: str
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sizes: tuple[str, ...] = ("64x64", "128x64", "128x128")
    frames: int = 17

    def entry(self) -> Model:
        """The catalogue's entry, in float32 and small."""
        model = find_model(self.model)
        defaults = msgspec.structs.replace(
            model.defaults, size=self.sizes[0], frames=self.frames, fps=16.0
        )
        grid = msgspec.structs.replace(
            model.grid, sizes=list(self.sizes), frames_min=9, frames_max=33
        )
        return msgspec.structs.replace(model, dtype="float32", grid=grid, defaults=defaults)

    def configs(self) -> dict[str, dict[str, Any]]:
        """Whole configurations of the parts that are changed."""
        model = find_model(self.model)
        parts = {part.folder: part for part in model.parts}
        return {
            folder: {**read_config(model, parts[folder]), **change}
            for folder, change in self.changes.items()
        }


WAN_TEXT = {"vocab_size": 512, "num_layers": 2, "num_heads": 4}
MODELS = (
    Sized("sprite", "sprite", sizes=("96x96",), frames=33),
    Sized(
        "wan, tiny",
        "wan-2.1-1.3b",
        {
            "text_encoder": {**WAN_TEXT, "d_model": 64, "d_kv": 16, "d_ff": 128},
            "transformer": {
                "num_attention_heads": 2, "attention_head_dim": 24, "text_dim": 64,
                "freq_dim": 32, "ffn_dim": 96, "num_layers": 3,
            },
            "vae": {"base_dim": 8},
        },
    ),
    Sized(
        "wan vace, tiny",
        "wan-2.1-vace-1.3b",
        {
            "text_encoder": {**WAN_TEXT, "d_model": 64, "d_kv": 16, "d_ff": 128},
            "transformer": {
                "num_attention_heads": 2, "attention_head_dim": 24, "text_dim": 64,
                "freq_dim": 32, "ffn_dim": 96, "num_layers": 4, "vace_layers": [0, 2],
            },
            "vae": {"base_dim": 8},
        },
    ),
    Sized(
        "wan, middle",
        "wan-2.1-1.3b",
        {
            "text_encoder": {**WAN_TEXT, "d_model": 512, "d_kv": 64, "d_ff": 1024},
            "transformer": {
                "num_attention_heads": 8, "attention_head_dim": 64, "text_dim": 512,
                "freq_dim": 256, "ffn_dim": 2048, "num_layers": 6,
            },
            "vae": {"base_dim": 24},
        },
    ),
    Sized(
        "ltx-2, middle",
        "sprite",
        {
            "transformer": {
                "attention_head_dim": 64, "cross_attention_dim": 384,
                "audio_attention_head_dim": 32, "audio_cross_attention_dim": 192,
                "num_layers": 8,
            },
            "vae": {
                "block_out_channels": [128, 128, 256],
                "decoder_block_out_channels": [128, 128, 256],
            },
        },
        frames=33,
    ),
)  # fmt: skip


def run_stages(sized: Sized, footprint: Footprint) -> Iterator[dict[str, Any]]:
    """Every stage: predicted and measured bytes, weights included."""
    model = sized.entry()
    loaded: Any = open_hollow(
        model, "cpu", lambda name: make_extra(model, name), configs=sized.configs()
    )
    step, stride = model.latents.video_size, model.latents.video_frames
    width, height = (int(side) // step for side in sized.sizes[-1].split("x"))
    latents = (sized.frames - 1) // stride + 1
    settings = make_settings(model, height, width, latents)
    torch.manual_seed(0)
    embeds = loaded.encode_text("a", "b")

    def denoise() -> Any:
        given = make_given(model, settings, "cpu")  # it lies on the device too, and is counted
        return loaded.denoise(embeds, settings, given, lambda *_: None, NoCheckpoint())

    video = torch.randn(model.latents.video_channels, latents, height, width)
    window = find_window(model)[0] or latents
    works = {
        "encode_text": ({}, lambda: loaded.encode_text("a", "b")),
        "denoise": (
            {"cells": latents * height * width, "sound": settings.audio_latents, "guided": 1},
            denoise,
        ),
        "decode_video": (
            coder_quantities(model, min(latents, window), height, width),
            lambda: sum(1 for _ in loaded.decode_video({"video": video})),
        ),
    }
    for stage, (quantities, work) in works.items():
        work()  # parts are loaded, and libraries have made what they keep
        parts = footprint.stages[stage].parts
        weights = sum(footprint.parts[part].nbytes for part in parts)
        lying = sum(nbytes_of(loaded.part(part)) for part in parts)
        predicted = max(law.cpu.value(quantities) for law in parts.values())
        measured = measure_allocations(work)
        yield {
            "model": sized.name,
            "stage": stage,
            "weights_bytes": lying,
            "predicted_bytes": round(weights + predicted),
            "measured_bytes": lying + measured,
            "work_predicted_bytes": round(predicted),
            "work_measured_bytes": measured,
            "miss": round((weights + predicted) / (lying + measured) - 1, 4),
            "work_miss": round(predicted / measured - 1, 4),
        }


def measure(sized: Sized) -> list[dict[str, Any]]:
    """All stages of a model."""
    return list(run_stages(sized, trace_model(sized.entry(), sized.configs(), tiles=False)))


def main() -> None:
    args = make_parser(__doc__).parse_args()
    machine = describe_machine()
    rows = [row for sized in MODELS for row in measure(sized)]
    worst = max(abs(row["miss"]) for row in rows)
    goals = {"largest miss, weights and work": judge(worst, f"<= {GOAL}")}
    document = {
        "versions": describe_versions("torch", "diffusers", "transformers"),
        "note": "Bytes that the CPU's allocator gave out at the peak of a stage, beside predicted "
        "ones; work is what comes beside the weights.",
        "goals": goals,
        "stages": rows,
    }
    write_result("memory_prediction", document, machine, args.results)
    print_goals(goals)


if __name__ == "__main__":
    main()
