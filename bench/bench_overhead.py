"""Rushes around the model, against a bare script around the same pipeline.

The bare side is `bare_pipeline.py`: diffusers' LTX2Pipeline with the same weights, steps, guidance,
seeds and encoder, the clip encoded from memory, no checks, no store, no report. Rushes' side is
`rushes make` as a user gets it, in a fresh folder with a fresh store: it also keeps every
intermediate, runs the six default checks and writes manifest, JUnit and page. Both sides are
processes of their own, timed from start to end, in turn.

(a) one shot, models loaded on both sides; (b) many shots in one make, against the pipeline kept
loaded in a loop; (c) a change of the export alone from a warm store, against the bare pipeline that
makes the clip again.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import statistics
import sys
from itertools import count
from pathlib import Path

from bench.common import (
    RUSHES,
    BenchError,
    Document,
    compare,
    describe_machine,
    describe_versions,
    judge,
    make_parser,
    open_workspace,
    print_goals,
    say,
    summarise,
    time_command,
    time_in_turn,
    write_result,
)
from bench.filled import lock_project
from rushes.hub import find_checkpoint
from rushes.plan.seeds import attempt_seed, stage_seed
from rushes.spec.project import Shot
from rushes.spec.resolve import load_project

COLOURS = ("red", "green", "blue", "yellow")
SHAPES = ("ball", "square")
MOTIONS = ("bounces", "slides", "blinks")
GROUNDS = ("grey", "black")
SEED = 20
CRF = 18


def write_project(folder: Path, shots: int, crf: int = CRF) -> None:
    """A locked project of distinct shots."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        '[project]\nname = "overhead"\nmodel = "sprite"\n',
        f"[defaults.export]\ncrf = {crf}\n",
    ]
    words = random.Random(SEED)
    for number in range(shots):
        colour, shape = words.choice(COLOURS), words.choice(SHAPES)
        motion, ground = words.choice(MOTIONS), words.choice(GROUNDS)
        prompt = f"a {colour} {shape} {motion} on a {ground} background"
        lines.append(f'[shots.s{number}]\nprompt = "{prompt}"\nseed = {1000 + number}\n')
    (folder / "rushes.toml").write_text("".join(lines))
    lock_project(folder)


def write_jobs(project: Path, folder: Path) -> Path:
    """The same shots as jobs of the bare script."""
    folder.mkdir(parents=True, exist_ok=True)
    loaded = load_project(project)
    shots = list(loaded.shots.values())
    weights = find_checkpoint(shots[0].model)
    jobs = [_job(shot, folder / f"{shot.name}.mp4") for shot in shots]
    path = folder / "jobs.json"
    path.write_text(json.dumps({"weights": str(weights), "jobs": jobs}))
    return path


def _job(shot: Shot, to: Path) -> Document:
    return {
        "prompt": shot.template,
        "seed": stage_seed(attempt_seed(shot.seed, 0), "denoise"),
        "frames": shot.shape.frames,
        "height": shot.shape.height,
        "width": shot.shape.width,
        "fps": shot.shape.fps,
        "steps": shot.sampling.steps,
        "guidance": shot.sampling.guidance,
        "audio_guidance": shot.sampling.audio_guidance,
        "audio_rate": shot.model.latents.audio.rate,
        "crf": shot.export.crf,
        "to": str(to),
    }


class Bare:
    """The bare side of one set of shots."""

    def __init__(self, project: Path, folder: Path) -> None:
        self.folder = folder
        self.jobs = write_jobs(project, folder)
        self.loop_seconds: list[float] = []

    def __call__(self) -> float:
        script = Path(__file__).with_name("bare_pipeline.py")
        seconds, done = time_command([sys.executable, script, self.jobs], self.folder)
        self.loop_seconds.append(json.loads(done.stdout)["loop_seconds"])
        return seconds


class Make:
    """Rushes' side: a make from nothing but the project file and its lock."""

    def __init__(self, project: Path, folder: Path) -> None:
        self.project, self.folder = project, folder
        self.stages: list[dict[str, float]] = []

    def __call__(self) -> float:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        for name in ("rushes.toml", "rushes.lock"):
            shutil.copyfile(self.project / name, self.folder / name)
        seconds, done = time_command([RUSHES, "make", "--json"], self.folder, codes=(0, 1))
        shots = json.loads(done.stdout)["shots"]
        if any(
            s["result"] != "ran" and s["stage"] not in _SHARED for t in shots for s in t["stages"]
        ):
            raise BenchError("make found something that was made before")
        spent: dict[str, float] = {}
        for shot in shots:
            for stage in shot["stages"]:
                spent[stage["stage"]] = spent.get(stage["stage"], 0.0) + stage["seconds"]
        self.stages.append(spent)
        return seconds


_SHARED = ("render_prompt", "encode_text")


def count_equal(bare: Path, made: Path) -> tuple[int, int]:
    """How many clips are equal to the byte on both sides, and of how many."""
    clips = sorted(bare.glob("*.mp4"))
    equal = sum(_sum(path) == _sum(made / "out" / path.name) for path in clips)
    return equal, len(clips)


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def measure_builds(folder: Path, shots: int, repeats: int) -> Document:
    """(a) and (b): a make of so many shots against the bare loop."""
    say(f"{shots} shot{'s' * (shots > 1)} from nothing")
    project = folder / f"project-{shots}"
    write_project(project, shots)
    bare = Bare(project, folder / f"bare-{shots}")
    make = Make(project, folder / f"make-{shots}")
    timings = time_in_turn({"rushes make": make, "bare pipeline": bare}, repeats)
    equal, total = count_equal(bare.folder, make.folder)
    stages = {
        name: round(statistics.median(spent[name] for spent in make.stages), 4)
        for name in make.stages[0]
    }
    loop = statistics.median(bare.loop_seconds)
    return {
        "shots": shots,
        "sides": {name: summarise(values) for name, values in timings.items()},
        "ratio": compare(timings["rushes make"], timings["bare pipeline"]),
        "ratio_to_bare_loop_without_loading": round(
            statistics.median(timings["rushes make"]) / loop, 4
        ),
        "bare_loop_seconds": [round(seconds, 4) for seconds in bare.loop_seconds],
        "rushes_stage_seconds": stages,
        "clips_equal_to_the_byte": f"{equal} of {total}",
    }


def measure_export_change(folder: Path, repeats: int) -> Document:
    """(c): another crf from a warm store, against the whole clip again."""
    say("export-only change")
    project = folder / "warm"
    write_project(project, 1)
    time_command([RUSHES, "make", "--json"], project, codes=(0, 1))
    values = count(CRF + 1)

    def change() -> float:
        crf = next(values)
        text = (project / "rushes.toml").read_text()
        (project / "rushes.toml").write_text(text.replace(f"crf = {crf - 1}", f"crf = {crf}"))
        seconds, done = time_command([RUSHES, "make", "--json"], project, codes=(0, 1))
        stages = json.loads(done.stdout)["shots"][0]["stages"]
        if {s["stage"] for s in stages if s["result"] == "ran"} != {"export", "check"}:
            raise BenchError("a change of the export ran something else")
        return seconds

    bare = Bare(project, folder / "bare-again")
    timings = time_in_turn({"rushes make": change, "bare pipeline": bare}, repeats)
    return {
        "sides": {name: summarise(values) for name, values in timings.items()},
        "bare_over_rushes": round(1 / compare(*timings.values()), 2),
    }


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--repeats", type=int, default=7, help="of (a) and (c)")
    parser.add_argument("--shots", type=int, default=100, help="of (b)")
    parser.add_argument("--many-repeats", type=int, default=3, help="of (b)")
    args = parser.parse_args()
    machine = describe_machine()
    with open_workspace(args.folder) as folder:
        one = measure_builds(folder, 1, args.repeats)
        many = measure_builds(folder, args.shots, args.many_repeats)
        export = measure_export_change(folder, args.repeats)
    goals = {
        "one shot, make over bare": judge(one["ratio"], "<= 1.10"),
        f"{args.shots} shots, make over bare": judge(many["ratio"], "<= 1.0"),
        "export-only change, bare over make": judge(export["bare_over_rushes"], ">= 10"),
    }
    document = {
        "versions": describe_versions("torch", "diffusers", "transformers", "av"),
        "note": "rushes make includes what the bare script leaves out: stored intermediates, the "
        "default checks, manifest, JUnit and page. CPU only.",
        "goals": goals,
        "one_shot": one,
        "many_shots": many,
        "export_only": export,
    }
    write_result("overhead", document, machine, args.results)
    print_goals(goals)


if __name__ == "__main__":
    main()
