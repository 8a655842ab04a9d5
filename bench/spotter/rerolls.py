"""What re-rolls by the check `prompt` are worth: clips right by the oracle, before and after.

Builds sprite's shots from seen and held-out prompts in turn, first with one take each, then with up
to four; the oracle, which knows nothing of spotter, judges the clips of both builds.
`python -m bench.spotter.rerolls` writes `bench/spotter/results/rerolls.json`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import tomli_w

from bench.common import (
    Document,
    describe_machine,
    describe_versions,
    make_parser,
    open_workspace,
    say,
    write_result,
)
from bench.sprite.adherence import ASPECTS, Case, draw_cases, wilson
from rushes import BuildOptions, Store, build_project, find_store, load_project, open_ledger
from rushes.run.execute import SilentObserver
from training.sprite import oracle
from training.sprite.sample import STEPS

RESULTS = Path(__file__).parent / "results"
SHOTS = 40
ATTEMPTS = 4
PACKAGES = ("torch", "diffusers", "transformers", "av", "numpy")


def write_shots(folder: Path, cases: list[Case], steps: int) -> None:
    """A project of one shot a case; every clip has to pass the check alone."""
    shots = {
        name_shot(number): {"prompt": case.prompt, "seed": case.seed}
        for number, case in enumerate(cases)
    }
    project = {
        "project": {"name": "rerolls", "model": "sprite"},
        "defaults": {"checks": ["prompt"], "steps": steps},
        "shots": shots,
    }
    (folder / "rushes.toml").write_text(tomli_w.dumps(project), "utf-8")


def name_shot(number: int) -> str:
    return f"shot-{number:04}"


def build_takes(folder: Path, attempts: int, cases: list[Case]) -> tuple[list[Document], float]:
    """Builds with so many takes at most; what became of each shot, and seconds of the build."""
    store = Store(find_store(folder))
    options = replace(BuildOptions(), attempts=attempts)
    begin = time.perf_counter()
    build = build_project(
        load_project(folder), store, open_ledger(store), options, SilentObserver()
    )
    seconds = time.perf_counter() - begin
    rows = []
    for case, shot in zip(cases, build.result.shots, strict=True):
        if shot.path is None:
            raise SystemExit(f"{shot.name}: {shot.error.message if shot.error else shot.status}")
        seen = oracle.judge_file(folder / shot.path)
        rows.append(
            {
                "right": is_right(case, seen),
                "passed": shot.status == "passed",
                "takes": shot.attempts,
                "seed": shot.seed,
                "evidence": shot.checks[0]["evidence"],
                "seen": {name: getattr(seen, name) for name in (*ASPECTS, "speed")},
            }
        )
    return rows, seconds


def is_right(case: Case, seen: oracle.Verdict) -> bool:
    """Whether the clip shows all that its prompt says; sound, which nobody asks for, aside."""
    asked = {name: getattr(case, name) for name in ASPECTS}
    if case.speed is not None:
        asked["speed"] = case.speed
    return all(getattr(seen, name) == value for name, value in asked.items())


def summarise(rows: list[Document], cases: list[Case]) -> Document:
    """Shares right by the oracle with their intervals, and how spotter's verdicts compare."""

    def share(chosen: Callable[[Case], bool]) -> Document:
        some = [row for row, case in zip(rows, cases, strict=True) if chosen(case)]
        return wilson(sum(row["right"] for row in some), len(some))

    passed = [row for row in rows if row["passed"]]
    right = [row for row in rows if row["right"]]
    return {
        "right": share(lambda case: True),
        "right_seen_triples": share(lambda case: not case.held_out),
        "right_held_out_triples": share(lambda case: case.held_out),
        "passed": wilson(len(passed), len(rows)),
        "right_among_passed": wilson(sum(row["right"] for row in passed), len(passed)),
        "passed_among_right": wilson(sum(row["passed"] for row in right), len(right)),
        "takes": sum(row["takes"] for row in rows),
    }


def main() -> None:
    parser = make_parser(__doc__)
    parser.set_defaults(results=RESULTS)
    parser.add_argument("--shots", type=int, default=SHOTS)
    parser.add_argument("--attempts", type=int, default=ATTEMPTS)
    parser.add_argument("--steps", type=int, default=STEPS, help="of a take's denoise")
    parser.add_argument("--name", default="rerolls", help="of the result")
    args = parser.parse_args()
    machine, cases = describe_machine(), draw_cases(args.shots)
    sides: dict[str, list[Document]] = {}
    spent = {}
    with open_workspace(args.folder) as folder:
        write_shots(folder, cases, args.steps)
        for name, attempts in (("before", 1), ("after", args.attempts)):
            sides[name], spent[name] = build_takes(folder, attempts, cases)
            say(f"{name}: {summarise(sides[name], cases)['right']}")
    document = {
        "what": "sprite's clips right by the oracle, with one take and with re-rolls by `prompt`",
        "versions": describe_versions(*PACKAGES),
        "settings": {"shots": args.shots, "attempts": args.attempts, "steps": args.steps},
        "seconds": {name: round(seconds, 1) for name, seconds in spent.items()},
        **{name: summarise(rows, cases) for name, rows in sides.items()},
        "rows": [
            {"asked": asdict(case), "before": before, "after": after}
            for case, before, after in zip(cases, sides["before"], sides["after"], strict=True)
        ],
    }
    say(str(write_result(args.name, document, machine, args.results)))


if __name__ == "__main__":
    main()
