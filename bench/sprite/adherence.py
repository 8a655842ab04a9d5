"""How well sprite does what the prompt says: 500 prompts, half of triples never trained on.

Generates with the stock LTX2Pipeline, encodes to MP4, lets the oracle judge the finished files.
`python -m bench.sprite.adherence` writes `bench/sprite/results/adherence.json`.
"""

import argparse
import json
import math
import os
import platform
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from training.sprite import clips, oracle, sample, world
from training.sprite.prompts import write_plain

RESULTS = Path(__file__).parent / "results" / "adherence.json"
SEED = 404
PROMPTS = 500
SILENT_SHARE = 0.15
Z = 1.96  # 95 %
EDGE = 3 / world.FPS  # seconds
ASPECTS = ("colour", "shape", "motion", "background")


@dataclass(frozen=True)
class Case:
    """One prompt and what it asks for; `speed` is None where the prompt names none."""

    prompt: str
    seed: int
    held_out: bool
    colour: str
    shape: str
    motion: str
    background: str
    speed: str | None
    silent: bool


def draw_cases(count: int) -> list[Case]:
    """Seen and held-out triples in turn, motions evenly among the seen."""
    rng = np.random.default_rng(SEED)
    held_out = sorted(world.HELD_OUT)
    cases = []
    for i in range(count):
        fixed: dict[str, object] = {"silent": bool(rng.random() < SILENT_SHARE)}
        if i % 2:
            triple = held_out[i // 2 % len(held_out)]
            fixed |= dict(zip(("colour", "shape", "motion"), triple, strict=True))
        else:
            fixed["motion"] = world.MOTIONS[i // 2 % len(world.MOTIONS)]
        scene = world.sample_scene(rng, include_held_out=bool(i % 2), **fixed)
        named = bool(rng.random() < 0.5)
        cases.append(
            Case(
                prompt=write_plain(scene, with_speed=named),
                seed=i,
                held_out=bool(i % 2),
                colour=scene.colour,
                shape=scene.shape,
                motion=scene.motion,
                background=scene.background,
                speed=scene.speed if named else None,
                silent=scene.silent,
            )
        )
    return cases


def wilson(right: int, total: int) -> dict[str, float | int | None]:
    """Share with its 95 % Wilson interval."""
    if not total:
        return {"right": 0, "total": 0, "share": None, "low": None, "high": None}
    share = right / total
    middle = (share + Z * Z / (2 * total)) / (1 + Z * Z / total)
    half = Z * math.sqrt(share * (1 - share) / total + Z * Z / (4 * total**2)) / (1 + Z * Z / total)
    return {
        "right": right,
        "total": total,
        "share": round(share, 4),
        "low": round(middle - half, 4),
        "high": round(middle + half, 4),
    }


def summarise(rows: list[dict]) -> dict[str, object]:
    """Shares per aspect, and the offset of sound to picture."""
    out: dict[str, object] = {
        a: wilson(sum(r["asked"][a] == r["seen"][a] for r in rows), len(rows)) for a in ASPECTS
    }
    three = ASPECTS[:3]
    out["colour_shape_and_motion"] = wilson(
        sum(all(r["asked"][a] == r["seen"][a] for a in three) for r in rows), len(rows)
    )
    named = [r for r in rows if r["asked"]["speed"]]
    out["speed"] = wilson(sum(r["asked"]["speed"] == r["seen"]["speed"] for r in named), len(named))
    loud = [r for r in rows if not r["asked"]["silent"]]
    quiet = [r for r in rows if r["asked"]["silent"]]
    out["sounds_when_it_should"] = wilson(sum(r["seen"]["audible"] for r in loud), len(loud))
    out["silent_when_it_should"] = wilson(sum(not r["seen"]["audible"] for r in quiet), len(quiet))
    events = [r for r in loud if r["asked"]["motion"] in world.EVENT_OF]
    events = [r for r in events if r["seen"]["motion"] == r["asked"]["motion"]]
    with_picture = [r for r in events if r["seen"]["picture_events"]]
    offsets = [r["seen"]["offset_seconds"] for r in with_picture]
    matched = [o for o in offsets if o is not None]
    out["events_matched"] = wilson(len(matched), len(with_picture))
    for name, one, other in (
        ("events_within_a_frame", "picture_events", "sound_events"),
        ("sounds_within_a_frame", "sound_events", "picture_events"),
    ):
        gaps = [gap for r in events for gap in _gaps(r["seen"][one], r["seen"][other])]
        out[name] = wilson(sum(gap <= 1 / world.FPS for gap in gaps), len(gaps))
    out["median_abs_offset_seconds"] = (
        round(float(np.median(np.abs(matched))), 4) if matched else None
    )
    out["median_offset_seconds"] = round(float(np.median(matched)), 4) if matched else None
    return out


def _gaps(these: list[float], those: list[float]) -> list[float]:
    """Seconds from each of these to the nearest of those; infinite without one. Those of the first
    and last frames are left out: what the picture does there cannot be told."""
    inside = [t for t in these if EDGE <= t <= world.SECONDS - EDGE]
    return [min((abs(other - t) for other in those), default=math.inf) for t in inside]


_worker: dict[str, object] = {}


def _start_worker(args: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    pipeline = sample.load_pipeline(args.weights)
    if args.without_noise:
        pipeline.scheduler.register_to_config(stochastic_sampling=False)
    _worker.update(args=args, pipeline=pipeline)


def judge_batch(batch: list[Case]) -> list[dict]:
    """Generates and judges a few prompts, in a worker."""
    args = _worker["args"]
    video, audio = sample.generate(
        _worker["pipeline"],
        [c.prompt for c in batch],
        [c.seed for c in batch],
        steps=args.steps,
        guidance=args.guidance,
        audio_guidance=args.audio_guidance,
    )
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        for case, frames, wave in zip(batch, video, audio, strict=True):
            clips.write_mp4(path, frames, wave)
            rows.append({"asked": asdict(case), "seen": asdict(oracle.judge_file(path))})
    return rows


def judge_cases(cases: list[Case], args: argparse.Namespace) -> list[dict]:
    """All of them, on as many workers as asked for, in order."""
    batches = [cases[i : i + args.batch] for i in range(0, len(cases), args.batch)]
    context = get_context("spawn")
    with ProcessPoolExecutor(args.workers, context, _start_worker, (args,)) as pool:
        return [row for rows in pool.map(judge_batch, batches) for row in rows]


def report(rows: list[dict], args: argparse.Namespace, seconds: float) -> dict[str, object]:
    return {
        "what": "adherence of sprite's clips to their prompts, judged by the oracle on MP4 files",
        "machine": {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()},
        "versions": {n: version(n) for n in ("torch", "diffusers", "transformers", "av", "numpy")},
        "settings": {
            "prompts": len(rows),
            "seed": SEED,
            "steps": args.steps,
            "guidance": args.guidance,
            "audio_guidance": args.audio_guidance,
            "noise_in_steps": not args.without_noise,
        },
        "seconds": round(seconds, 1),
        "all": summarise(rows),
        "seen_triples": summarise([r for r in rows if not r["asked"]["held_out"]]),
        "held_out_triples": summarise([r for r in rows if r["asked"]["held_out"]]),
        "by_motion": {
            m: wilson(
                sum(r["seen"]["motion"] == m for r in rows if r["asked"]["motion"] == m),
                sum(r["asked"]["motion"] == m for r in rows),
            )
            for m in world.MOTIONS
        },
        "by_shape": {
            s: wilson(
                sum(r["seen"]["shape"] == s for r in rows if r["asked"]["shape"] == s),
                sum(r["asked"]["shape"] == s for r in rows),
            )
            for s in world.SHAPES
        },
        "rows": rows,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=PROMPTS)
    parser.add_argument("--steps", type=int, default=sample.STEPS)
    parser.add_argument("--guidance", type=float, default=sample.GUIDANCE)
    parser.add_argument("--audio-guidance", type=float, default=sample.AUDIO_GUIDANCE)
    parser.add_argument("--without-noise", action="store_true", help="plain Euler steps")
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--weights", type=Path, default=sample.WEIGHTS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    begin = time.time()
    rows = judge_cases(draw_cases(args.prompts), args)
    result = report(rows, args, time.time() - begin)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({k: v for k, v in result.items() if k != "rows"}, indent=1))


if __name__ == "__main__":
    main()
