"""Compute per accepted clip on sprite: another seed each time, against repairs of failed spans.

Shots with strikes have to pass a check that sprite often fails in places: every strike is heard
when it is seen (`bench/repair/strikes.py`). Both sides have so many takes at most; one repairs.
Work is counted in token passes of the transformer, which no clock moves, and in CPU seconds of the
whole build. `python -m bench.bench_repair` writes `bench/results/repair.json`.
"""

from __future__ import annotations

import os
import resource
import shutil
from pathlib import Path

import tomli_w

from bench.common import (
    Document,
    describe_machine,
    describe_versions,
    judge,
    make_parser,
    open_workspace,
    print_goals,
    say,
    write_result,
)
from bench.sprite.adherence import Case, draw_cases
from rushes import BuildOptions, Store, build_project, find_store, load_project, open_ledger
from rushes.plan.mending import count_token_passes
from rushes.plan.nodes import MAKERS, ShotPlan
from rushes.run.execute import SilentObserver
from rushes.stages.denoise import DenoiseParams

CHECK = Path(__file__).parent / "repair" / "strikes.py"
STRIKING = ("bounces", "blinks")
SHOTS, ATTEMPTS = 12, 8
PACKAGES = ("torch", "diffusers", "transformers", "av", "numpy")


def write_project(folder: Path, cases: list[Case], attempts: int, *, repair: bool) -> None:
    """Shots that have to pass the one check, and be whole."""
    shutil.copy(CHECK, folder)
    shots = {
        f"shot-{number:03}": {"prompt": case.prompt, "seed": case.seed}
        for number, case in enumerate(cases)
    }
    defaults = {"checks": ["container", CHECK.name], "attempts": attempts, "repair": repair}
    project = {"project": {"name": "repair"}, "defaults": defaults, "shots": shots}
    (folder / "rushes.toml").write_text(tomli_w.dumps(project), "utf-8")


def count_passes(plan: ShotPlan) -> int:
    """Token passes of all takes of a shot, each piece of work once."""
    made = {
        node: node.params
        for take in plan.takes
        for node in take.nodes.values()
        if node.stage in MAKERS and isinstance(node.params, DenoiseParams)
    }
    return sum(count_token_passes(params, plan.shot.model) for params in made.values())


def run_side(folder: Path, cases: list[Case], attempts: int, *, repair: bool) -> Document:
    """Builds from nothing."""
    folder.mkdir()
    write_project(folder, cases, attempts, repair=repair)
    store = Store(find_store(folder))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    build = build_project(
        load_project(folder), store, open_ledger(store), BuildOptions(), SilentObserver()
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    rows = [
        {
            "shot": clip.name,
            "status": clip.status,
            "takes": clip.attempts,
            "repairs": sum(bool(take.mends) for take in plan.takes),
            "kept_repaired": bool(plan.kept.mends),
            "token_passes": count_passes(plan),
            "stopped": clip.stopped,
        }
        for clip, plan in zip(build.result.shots, build.plan.shots, strict=True)
    ]
    accepted = sum(row["status"] == "passed" for row in rows)
    passes = sum(row["token_passes"] for row in rows)
    return {
        "accepted": accepted,
        "takes": sum(row["takes"] for row in rows),
        "token_passes": passes,
        "cpu_seconds": round(cpu, 1),
        "token_passes_per_accepted": round(passes / accepted) if accepted else None,
        "cpu_seconds_per_accepted": round(cpu / accepted, 2) if accepted else None,
        "shots": rows,
    }


def compare_sides(sides: dict[str, Document]) -> dict[str, Document]:
    """What repair takes of what re-rolls take, per accepted clip."""
    goals = {}
    for what in ("token_passes_per_accepted", "cpu_seconds_per_accepted"):
        ours, theirs = sides["repair"][what], sides["reroll"][what]
        goals[what] = judge(round(ours / theirs, 4) if ours and theirs else None, "<= 0.5")
    return goals


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--shots", type=int, default=SHOTS)
    parser.add_argument("--attempts", type=int, default=ATTEMPTS)
    args = parser.parse_args()
    root = str(Path(__file__).resolve().parents[1])
    os.environ["PYTHONPATH"] = (
        f"{root}/src:{root}"  # the check asks the oracle, which is no part of the package
    )
    machine = describe_machine()
    drawn = [case for case in draw_cases(args.shots * 8) if case.motion in STRIKING]
    cases = drawn[: args.shots]
    sides: dict[str, Document] = {}
    with open_workspace(args.folder) as folder:
        for name in ("repair", "reroll"):
            say(f"{name}: {len(cases)} shots, {args.attempts} takes at most")
            sides[name] = run_side(folder / name, cases, args.attempts, repair=name == "repair")
    goals = compare_sides(sides)
    document: Document = {
        "versions": describe_versions(*PACKAGES),
        "shots": len(cases),
        "attempts": args.attempts,
        "note": "token passes do not depend on the clock; CPU seconds are of a shared machine",
        "sides": sides,
        "goals": goals,
    }
    write_result("repair", document, machine, args.results)
    print_goals(goals)


if __name__ == "__main__":
    main()
