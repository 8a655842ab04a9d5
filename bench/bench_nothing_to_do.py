"""Nothing to do on many shots: Rushes against Snakemake and doit on as many nodes.

Every shot is distinct, so that no node is shared: seven stages a shot. The peers get the same
graph, node for node: ``shot → prompt → text → latents → (video, audio) → clip → verdicts``, a file
a node, all of them there and up to date. What is timed is a run that finds nothing to do.

Rushes' store is filled through its own API; a first ``make`` places the clips in ``out/`` and
writes the reports, and only later runs are timed. doit learns of the files with ``doit reset-dep``
and is timed with the fastest of its databases. Snakemake runs as it comes; its time is limited.
"""

from __future__ import annotations

import json
import subprocess
import time
import venv
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
from bench.filled import NOTE, fill_store, lock_project, make_clip, make_tiny_files

STAGES = {
    "prompt": ["shot"],
    "text": ["prompt"],
    "latents": ["text"],
    "video": ["latents"],
    "audio": ["latents"],
    "clip": ["video", "audio"],
    "verdicts": ["clip"],
}
"""The peers' graph of one shot: each file and those it is made of."""
DOIT_BACKENDS = ("dbm", "json", "sqlite3")
PEERS = ("doit==0.37.0", "snakemake")


def install_peers(folder: Path) -> tuple[Path, dict[str, str]]:
    """A virtual environment with both peers; its ``bin`` and their versions. Kept if it is there.

    The pins of this project do not reach it.
    """
    bin_ = folder / "bin"
    if not (bin_ / "snakemake").exists():
        say(f"installing {', '.join(PEERS)}")
        venv.create(folder, with_pip=True)
        run([bin_ / "pip", "install", "-q", "--disable-pip-version-check", *PEERS], timeout=900)
    code = (
        "import json, platform; from importlib.metadata import version as v;"
        "print(json.dumps({'python': platform.python_version(),"
        " 'doit': v('doit'), 'snakemake': v('snakemake')}))"
    )
    return bin_, json.loads(run([bin_ / "python", "-c", code]).stdout)


def prepare_rushes(folder: Path, shots: int) -> Document:
    """A project with everything stored and placed, and what preparing it took."""
    folder.mkdir()
    lines = ['[project]\nname = "many"\nmodel = "sprite"\n']
    for number in range(shots):
        lines.append(f'[shots.s{number}]\nprompt = "a red ball, take {number}"\nseed = {number}\n')
    (folder / "rushes.toml").write_text("".join(lines))
    lock_project(folder)
    clip = make_clip(folder / "clip.tmp.mp4")
    (folder / "clip.tmp.mp4").unlink()
    start = time.perf_counter()
    nodes = fill_store(folder, make_tiny_files(clip))
    filled = time.perf_counter() - start
    if nodes != shots * len(STAGES):
        raise BenchError(f"{nodes} nodes where {shots * len(STAGES)} are expected")
    first, _ = time_command([RUSHES, "make", "--json"], folder)
    say(f"  filled in {filled:.1f} s, first make {first:.1f} s")
    return {"fill_seconds": round(filled, 2), "first_make_seconds": round(first, 2)}


def time_plan(folder: Path, nodes: int) -> float:
    seconds, done = time_command([RUSHES, "plan", "--json"], folder)
    totals = json.loads(done.stdout)["totals"]
    if totals["cached"] != nodes or totals["to_run"]:
        raise BenchError(f"plan found something to do: {totals}")
    return seconds


def time_make(folder: Path, nodes: int) -> float:
    seconds, done = time_command([RUSHES, "make", "--json"], folder)
    shots = json.loads(done.stdout)["shots"]
    hits = sum(stage["result"] == "hit" for shot in shots for stage in shot["stages"])
    if hits != nodes or not (folder / shots[-1]["path"]).is_file():
        raise BenchError(f"make found something to do: {hits} hits of {nodes}")
    return seconds


def write_peer_files(folder: Path, shots: int) -> None:
    """The files of every chain, in the order in which they would be made."""
    (folder / "in").mkdir(parents=True)
    (folder / "out").mkdir()
    for number in range(shots):
        (folder / f"in/{number}.shot").write_text(f"{number}\n")
    for name in STAGES:
        for number in range(shots):
            (folder / f"out/{number}.{name}").write_text(f"{number} {name}\n")


def write_dodo(folder: Path, shots: int) -> None:
    graph = {name: [_peer_path("{i}", each) for each in read] for name, read in STAGES.items()}
    (folder / "dodo.py").write_text(
        f"GRAPH = {graph!r}\n"
        "def task_make():\n"
        f"    for i in range({shots}):\n"
        "        for name, read in GRAPH.items():\n"
        "            files = [file.replace('{i}', str(i)) for file in read]\n"
        "            out = f'out/{i}.{name}'\n"
        "            yield {'name': f'{i}.{name}', 'file_dep': files, 'targets': [out],\n"
        "                   'actions': [f\"cat {' '.join(files)} > {out}\"]}\n"
    )


def write_snakefile(folder: Path, shots: int) -> None:
    rules = [f'rule all:\n    input: expand("out/{{i}}.verdicts", i=range({shots}))\n']
    for name, read in STAGES.items():
        files = ", ".join(f'"{_peer_path("{i}", each)}"' for each in read)
        rules.append(
            f'rule {name}:\n    input: {files}\n    output: "out/{{i}}.{name}"\n'
            '    shell: "cat {input} > {output}"\n'
        )
    (folder / "Snakefile").write_text("".join(rules))


def _peer_path(number: str, name: str) -> str:
    return f"{'in' if name == 'shot' else 'out'}/{number}.{name}"


def prepare_doit(bin_: Path, folder: Path) -> tuple[list[str | Path], dict[str, float]]:
    """The command of doit's fastest database, and the one run of each that decided it."""
    trials: dict[str, float] = {}
    commands: dict[str, list[str | Path]] = {}
    for backend in DOIT_BACKENDS:
        place = ["--backend", backend, "--db-file", f"state-{backend}"]
        run([bin_ / "doit", "reset-dep", *place], folder)
        commands[backend] = [bin_ / "doit", "run", "--verbosity", "0", *place]
        trials[backend], done = time_command(commands[backend], folder)
        if any(not line.startswith("--") for line in done.stdout.splitlines()):
            raise BenchError(f"doit found something to do: {done.stdout[:200]}")
        say(f"  doit with {backend}: {trials[backend]:.2f} s")
    return commands[min(trials, key=trials.__getitem__)], trials


def time_snakemake(bin_: Path, folder: Path, repeats: int, limit: float) -> Document:
    """Timings as long as the limit lasts; ``timed_out`` where not even one run came to its end."""
    command = [bin_ / "snakemake", "--cores", "2", "--quiet", "all"]
    timings: list[float] = []
    left = limit
    while len(timings) < repeats and (not timings or left > timings[-1]):
        try:
            seconds, done = time_command(command, folder, timeout=max(left, 1))
        except subprocess.TimeoutExpired:
            break
        if "rule" in done.stderr or "rule" in done.stdout:
            raise BenchError(f"Snakemake found something to do: {done.stderr[:300]}")
        timings.append(seconds)
        left -= seconds
        say(f"  snakemake: {seconds:.1f} s")
    return {
        **summarise(timings),
        "limit_seconds": limit,
        "timed_out": not timings,
    }


def measure(folder: Path, bin_: Path, shots: int, repeats: int, limit: float) -> Document:
    """All sides on one size."""
    say(f"{shots} shots, {shots * len(STAGES)} nodes")
    folder.mkdir()
    ours, peers = folder / "rushes", folder / "peers"
    prepared = prepare_rushes(ours, shots)
    write_peer_files(peers, shots)
    write_dodo(peers, shots)
    write_snakefile(peers, shots)
    doit, trials = prepare_doit(bin_, peers)
    nodes = shots * len(STAGES)
    timings = time_in_turn(
        {
            "rushes plan": lambda: time_plan(ours, nodes),
            "rushes make": lambda: time_make(ours, nodes),
            "doit": lambda: time_command(doit, peers)[0],
        },
        repeats,
    )
    snakemake = time_snakemake(bin_, peers, repeats, limit)
    theirs = snakemake["timings_seconds"] or [limit]
    plan, make = timings["rushes plan"], timings["rushes make"]
    return {
        "shots": shots,
        "nodes": nodes,
        **prepared,
        "doit_databases_seconds": {name: round(s, 3) for name, s in trials.items()},
        "sides": {
            **{name: summarise(values) for name, values in timings.items()},
            "snakemake": snakemake,
        },
        "snakemake_over_plan": round(1 / compare(plan, theirs), 2),
        "snakemake_over_make": round(1 / compare(make, theirs), 2),
        "plan_over_doit": compare(plan, timings["doit"]),
        "make_over_doit": compare(make, timings["doit"]),
    }


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--shots", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--snakemake-limit", type=float, default=1200, help="seconds a size")
    parser.add_argument("--peers", type=Path, default=None, help="venv of the peers, kept")
    args = parser.parse_args()
    machine = describe_machine()
    with open_workspace(args.folder) as folder:
        bin_, versions = install_peers(args.peers or folder / "venv")
        sizes = [
            measure(folder / str(shots), bin_, shots, args.repeats, args.snakemake_limit)
            for shots in args.shots
        ]
    last = sizes[-1]
    goals = {
        "Snakemake over rushes plan": judge(last["snakemake_over_plan"], ">= 5"),
        "Snakemake over rushes make": judge(last["snakemake_over_make"], ">= 5"),
        "rushes plan over doit": judge(last["plan_over_doit"], "<= 1.0"),
        "rushes make over doit": judge(last["make_over_doit"], "<= 1.0"),
    }
    document = {
        "versions": {**describe_versions("msgspec"), "peers": versions},
        "note": NOTE + " Goals are held against the largest size. Where Snakemake timed out, its "
        "time is the limit, and the ratio is a lower bound.",
        "goals": goals,
        "sizes": sizes,
    }
    write_result("nothing_to_do", document, machine, args.results)
    print_goals(goals)


if __name__ == "__main__":
    main()
