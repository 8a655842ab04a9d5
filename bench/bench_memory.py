"""Peak memory of decoding and export: does it grow with the length of the clip?

Random latents of sprite's shape go through the real stages (decode_video, decode_audio, export),
each in a process of its own. The peak at the longest length is held against the shorter ones. A
clip shorter than one window of the decoders (17 latents of picture, 214 of sound with its context)
is decoded in one pass and takes less; 20 s holds a whole window of sound, and from there on memory
should be flat.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from bench.common import (
    Document,
    describe_machine,
    describe_versions,
    judge,
    make_parser,
    open_workspace,
    print_goals,
    run,
    say,
    write_result,
)
from rushes.catalogue.load import find_model
from rushes.plan.windows import Timeline

STAGES = ("decode_video", "decode_audio", "export")
ALLOWED = 1.10
"""Peaks of equal runs differ by a few per cent; growth with duration would be many times over."""


def write_latents(path: Path, seconds: float) -> int:
    """Random normalised latents of a clip that lasts at least so long; returns its frames."""
    model = find_model("sprite")
    fps = model.defaults.fps
    width, height = map(int, model.defaults.size.split("x"))
    frames = model.grid.fewest_frames(round(seconds * fps, 6))
    grid = model.latents
    time, side = Timeline(model, fps), grid.video_size
    length = time.audio_at(frames)
    random = np.random.default_rng(0)
    video = (grid.video_channels, time.latents_of(frames), height // side, width // side)
    audio = (grid.audio.channels, length, grid.audio.mel_bins)
    save_file(
        {
            "video": random.standard_normal(video, dtype=np.float32),
            "audio": random.standard_normal(audio, dtype=np.float32),
        },
        path,
    )
    return frames


def run_stage(name: str, folder: Path, frames: int) -> Document:
    """In a process of its own: one stage as the worker runs it; its peak in bytes.

    Args:
        folder: holds ``latents.safetensors`` and what earlier stages made.
    """
    from rushes.hub import find_checkpoint
    from rushes.models.base import find_family
    from rushes.run.device import prepare_torch
    from rushes.stages.base import Job
    from rushes.stages.registry import STAGES as ALL

    model = find_model("sprite")
    stage, loaded = ALL[name], None
    if stage.lane == "device":
        prepare_torch("cpu")
        loaded = find_family(model.family).open(find_checkpoint(model), model, "cpu")
        for part in find_family(model.family).folders[name]:
            loaded.part(part)  # type: ignore[attr-defined]
    before = read_peak()
    start = time.perf_counter()
    job = Job(
        params=_params(stage.params, frames),
        inputs={
            "latents": {"latents": folder / "latents.safetensors"},
            "frames": {"frames": folder / "frames.mkv"},
            "sound": {"sound": folder / "sound.wav"},
        },
        folder=folder,
        report=lambda done, total: None,
        model=loaded,
    )
    made = stage.run(job)
    peak = read_peak()
    return {
        "seconds": round(time.perf_counter() - start, 3),
        "loaded_bytes": before,
        "peak_bytes": peak,
        "ru_maxrss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "output_bytes": sum(path.stat().st_size for path in made.files.values()),
    }


def _params(kind: Any, frames: int) -> Any:
    from rushes.media.formats import ExportFormat

    fmt, model = ExportFormat(), find_model("sprite")
    width, height = map(int, model.defaults.size.split("x"))
    known = {
        "frames": frames,
        "width": width,
        "height": height,
        "fps": model.defaults.fps,
        **{name: getattr(fmt, name) for name in fmt.__slots__},
    }
    return kind(**{name: known[name] for name in kind.__struct_fields__})


def read_peak() -> int:
    """Bytes of resident memory at this process's peak.

    ``ru_maxrss`` may carry over what the parent had before exec; the kernel's VmHWM does not.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure_length(folder: Path, seconds: float, repeats: int) -> Document:
    """Every stage at one length."""
    folder.mkdir()
    frames = write_latents(folder / "latents.safetensors", seconds)
    say(f"{seconds:g} s, {frames} frames")
    stages: dict[str, list[Document]] = {}
    for stage in STAGES:
        for _ in range(repeats):
            command = [sys.executable, "-m", "bench.bench_memory", "--child", stage, str(frames)]
            done = run([*command, str(folder)], Path(__file__).parents[1])
            stages.setdefault(stage, []).append(json.loads(done.stdout.splitlines()[-1]))
        peaks = ", ".join(f"{each['peak_bytes'] / 1e6:.0f} MB" for each in stages[stage])
        say(f"  {stage}: {peaks}")
    return {
        "seconds": seconds,
        "frames": frames,
        "peak_bytes": {name: max(r["peak_bytes"] for r in rows) for name, rows in stages.items()},
        "runs": stages,
    }


def main() -> None:
    if "--child" in sys.argv:
        stage, frames, folder = sys.argv[sys.argv.index("--child") + 1 :]
        print(json.dumps(run_stage(stage, Path(folder), int(frames))))
        return
    parser = make_parser(__doc__)
    parser.add_argument("--seconds", type=float, nargs="+", default=[2.0, 20.0, 60.0])
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    machine = describe_machine()
    with open_workspace(args.folder) as folder:
        lengths = [
            measure_length(folder / f"{seconds:g}", seconds, args.repeats)
            for seconds in args.seconds
        ]
    last = lengths[-1]
    goals = {
        f"{stage}, {last['seconds']:g} s over {other['seconds']:g} s": judge(
            round(last["peak_bytes"][stage] / other["peak_bytes"][stage], 4), f"<= {ALLOWED:.2f}"
        )
        for other in lengths[:-1]
        for stage in STAGES
    }
    document = {
        "versions": describe_versions("torch", "diffusers", "av"),
        "note": "Peak resident memory of the process (VmHWM), libraries and weights included; "
        "loaded_bytes is the peak before the stage ran.",
        "goals": goals,
        "lengths": lengths,
    }
    write_result("memory", document, machine, args.results)
    print_goals(goals)


if __name__ == "__main__":
    main()
