"""What the benchmarks share: processes timed by the wall clock, and results as JSON.

A result names the machine by its processor and cores, holds every single timing, and no path.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
RUSHES = str(Path(sys.executable).with_name("rushes"))
"""The command of the environment that runs the benchmark."""

Command = Sequence[str | Path]
Document = dict[str, Any]


class BenchError(Exception):
    """A side did not do what was to be timed."""


def make_parser(doc: str | None) -> argparse.ArgumentParser:
    """A parser with the options that every benchmark has."""
    parser = argparse.ArgumentParser(
        description=(doc or "").strip().splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--results", type=Path, default=RESULTS, help="folder of the JSON; smoke tests use another"
    )
    parser.add_argument("--folder", type=Path, default=None, help="where the work is done")
    return parser


@contextmanager
def open_workspace(folder: Path | None) -> Iterator[Path]:
    """A fresh folder that is removed afterwards, in ``folder`` or where temporary files go."""
    with tempfile.TemporaryDirectory(prefix="rushes-bench-", dir=folder) as name:
        yield Path(name)


def run(
    command: Command,
    cwd: Path | None = None,
    *,
    env: Mapping[str, str] | None = None,
    codes: Iterable[int] = (0,),
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end.

    Raises:
        BenchError: it ended with another exit code than those allowed.
        subprocess.TimeoutExpired: it took longer than ``timeout`` seconds.
    """
    words = [str(word) for word in command]
    done = subprocess.run(
        words,
        cwd=cwd,
        env={**clean_environment(), **(env or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode not in codes:
        tail = (done.stderr or done.stdout).strip()[-2000:]
        raise BenchError(f"{' '.join(words[:4])} … ended with {done.returncode}: {tail}")
    return done


def clean_environment() -> dict[str, str]:
    """This process's environment without what would send Rushes to another store."""
    gone = ("RUSHES_STORE", "RUSHES_DEBUG", "PYTHONPATH")
    return {name: value for name, value in os.environ.items() if name not in gone}


def time_command(
    command: Command, cwd: Path | None = None, **options: Any
) -> tuple[float, subprocess.CompletedProcess[str]]:
    """Wall seconds of a command, from before its process starts to after it has ended."""
    start = time.perf_counter()
    done = run(command, cwd, **options)
    return time.perf_counter() - start, done


def time_in_turn(
    sides: Mapping[str, Callable[[], float]], repeats: int, *, warmups: int = 0
) -> dict[str, list[float]]:
    """Seconds of each side, one after the other, ``repeats`` times; every other round backwards.

    Args:
        warmups: rounds beforehand that do not count.
    """
    timings: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(-warmups, repeats):
        names = list(sides) if number % 2 == 0 else list(reversed(sides))
        for name in names:
            seconds = sides[name]()
            if number >= 0:
                timings[name].append(seconds)
                say(f"  {name}: {seconds:.3f} s")
    return timings


def summarise(timings: Sequence[float]) -> Document:
    """Median and spread of timings, with every one of them."""
    if not timings:
        return {"timings_seconds": []}
    return {
        "median_seconds": round(statistics.median(timings), 4),
        "min_seconds": round(min(timings), 4),
        "max_seconds": round(max(timings), 4),
        "timings_seconds": [round(seconds, 4) for seconds in timings],
    }


def compare(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Our median over theirs."""
    return round(statistics.median(ours) / statistics.median(theirs), 4)


def judge(ratio: float | None, goal: str) -> Document:
    """A ratio beside its goal, ``"<= 1.1"`` or ``">= 5"``; what is unknown is not met."""
    relation, number = goal.split()
    met = ratio is not None and (
        ratio <= float(number) if relation == "<=" else ratio >= float(number)
    )
    return {"ratio": ratio, "goal": goal, "met": met}


def describe_machine() -> Document:
    """Processor, cores and memory; no name of a host, no path."""
    return {
        "cpu": _read_field("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "load_before": round(os.getloadavg()[0], 2),
    }


def _read_field(file: str, name: str) -> str | None:
    try:
        lines = Path(file).read_text("utf-8").splitlines()
    except OSError:
        return None
    found = (line.partition(":")[2].strip() for line in lines if line.startswith(name))
    return next(found, None)


def describe_versions(*packages: str) -> dict[str, str]:
    """Versions of Python, of Rushes and of those of the other distributions that are installed."""
    found = {"python": platform.python_version(), "rushes": version("rushes")}
    for package in packages:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


HEADER = ("benchmark", "date", "machine")
"""What :func:`write_result` adds to every result."""


def write_result(name: str, document: Document, machine: Document, folder: Path) -> Path:
    """Write ``NAME.json``.

    Args:
        machine: from :func:`describe_machine`, taken before anything was timed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    whole = {
        "benchmark": name,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": machine,
        **document,
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", "utf-8")
    say(f"wrote {path.name}")
    return path


def print_goals(goals: Mapping[str, Document]) -> None:
    """A line a goal."""
    for name, goal in goals.items():
        mark = "met" if goal["met"] else "MISSED"
        print(f"{name}: {goal['ratio']} (goal {goal['goal']}) {mark}")


def say(text: str) -> None:
    """Tell the person who waits."""
    print(text, file=sys.stderr, flush=True)
