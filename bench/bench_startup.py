"""How fast the command line starts, and that it does so without torch.

`rushes --help` is timed against `python -c "import click, rich"`, in turn. Then torch is made
impossible to import, and `rushes why` and a `make` after a change of the export alone are run in
that environment, workers included, and timed. The store they read was filled through its own API.
"""

from __future__ import annotations

import json
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
    run,
    say,
    summarise,
    time_command,
    time_in_turn,
    write_result,
)
from bench.filled import fill_store, lock_project, make_real_files

BLOCKED = ("torch", "diffusers", "transformers")
PROJECT = """
[project]
name = "start"
model = "sprite"
[defaults.export]
crf = {crf}
[shots.opening]
prompt = "a red ball bounces on a grey background"
[shots.second]
prompt = "a blue square slides on a black background"
"""


def block_torch(folder: Path) -> dict[str, str]:
    """An environment in which torch and what needs it cannot be imported, and a look that so."""
    folder.mkdir()
    for name in BLOCKED:
        (folder / f"{name}.py").write_text(f"raise ImportError('{name} is blocked')\n")
    env = {"PYTHONPATH": str(folder)}
    code = "import torch"
    if "torch is blocked" not in run([sys.executable, "-c", code], env=env, codes=(1,)).stderr:
        raise BenchError("torch could be imported where it was to be blocked")
    return env


def write_project(folder: Path, crf: int) -> None:
    (folder / "rushes.toml").write_text(PROJECT.format(crf=crf))


def time_export_only(folder: Path, env: dict[str, str], crf: int) -> float:
    """A make that exports and checks; anything else that runs is an error."""
    write_project(folder, crf)
    seconds, done = time_command([RUSHES, "make", "--json"], folder, env=env, codes=(0, 1))
    shots = json.loads(done.stdout)["shots"]
    ran = {(s["name"], t["stage"]) for s in shots for t in s["stages"] if t["result"] == "ran"}
    wanted = {(s["name"], stage) for s in shots for stage in ("export", "check")}
    if ran != wanted or any(s["status"] not in ("passed", "failed") for s in shots):
        raise BenchError(f"an export-only make ran {sorted(ran)}")
    return seconds


def time_why(folder: Path, env: dict[str, str]) -> float:
    seconds, done = time_command([RUSHES, "why", "opening", "--json"], folder, env=env)
    if len(json.loads(done.stdout)["stages"]) != 7:
        raise BenchError("why did not answer for seven stages")
    return seconds


def measure_without_torch(folder: Path, repeats: int) -> Document:
    """Timings of what must work without torch."""
    env = block_torch(folder / "blocked")
    project = folder / "project"
    project.mkdir()
    write_project(project, 18)
    lock_project(project)
    fill_store(project, make_real_files, skip=("export", "check"))
    values = count(18)
    sides = {
        "rushes why": lambda: time_why(project, env),
        "rushes make, export only": lambda: time_export_only(project, env, next(values)),
    }
    timings = time_in_turn(sides, repeats)
    return {name: summarise(values) for name, values in timings.items()}


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--repeats", type=int, default=25)
    parser.add_argument("--without-torch-repeats", type=int, default=5)
    args = parser.parse_args()
    machine = describe_machine()
    with open_workspace(args.folder) as folder:
        help_ = [RUSHES, "--help"]
        imports = [sys.executable, "-c", "import click, rich"]
        timings = time_in_turn(
            {
                "rushes --help": lambda: time_command(help_, folder)[0],
                "import click, rich": lambda: time_command(imports, folder)[0],
            },
            args.repeats,
            warmups=2,
        )
        say("without torch")
        without_torch = measure_without_torch(folder, args.without_torch_repeats)
    ratio = compare(timings["rushes --help"], timings["import click, rich"])
    goals = {"rushes --help over import click, rich": judge(ratio, "<= 1.5")}
    document = {
        "versions": describe_versions("click", "rich"),
        "note": "In the second part importing torch, diffusers or transformers raises, in the "
        "command and in its workers; a run that needed them would have failed.",
        "goals": goals,
        "sides": {name: summarise(values) for name, values in timings.items()},
        "without_torch": without_torch,
    }
    write_result("startup", document, machine, args.results)
    print_goals(goals)
    print("rushes why and an export-only make ran with torch blocked")


if __name__ == "__main__":
    main()
