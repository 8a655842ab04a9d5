"""A question to thousands of files: what a file costs, the second time too, and what memory grows.

Clips of sprite's world are asked with spotter through ``rushes ask --batch``, as a user would: once
a tenth of them, then all in a folder of their own, again, and with another question.

    python -m bench.readers.batch --files 2000
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import numpy as np

from bench.common import (
    RUSHES,
    BenchError,
    Document,
    clean_environment,
    describe_machine,
    describe_versions,
    judge,
    make_parser,
    open_workspace,
    print_goals,
    say,
    write_result,
)
from training.spotter.render import draw_clip, write_mp4
from training.spotter.scenes import Clip, Look, sample_clip

SEED = 77
FIRST, OTHER = "is there a red ball?", "is the background grey?"
FOLDER = Path(__file__).parent / "results"


def write_clips(folder: Path, count: int, seed: int = SEED) -> list[Clip]:
    """Clips of 1 to 2 s with their truth."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    clips = []
    for number in range(count):
        seconds = float(rng.uniform(1, 2))
        clip = sample_clip(rng, seconds=seconds, rate=16, width=64, height=64, look=Look())
        write_mp4(folder / f"{number:05d}.mp4", draw_clip(clip), clip.rate, 18)
        clips.append(clip)
    return clips


def ask(project: Path, folder: str, question: str) -> Document:
    """Seconds, the peak memory of the largest process, and the summary of one command.

    Raises:
        BenchError: a file was not answered.
    """
    command = [RUSHES, "ask", "--batch", folder, question, "--out", "answers.jsonl", "--json"]
    (project / "answers.jsonl").unlink(missing_ok=True)
    begin = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=project, env=clean_environment(), stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    said = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    if os.waitstatus_to_exitcode(status) != 0:
        raise BenchError(f"ask ended with {os.waitstatus_to_exitcode(status)}: {said[-500:]}")
    summary = json.loads(said)
    files = summary["files"]
    return {
        "files": files,
        "seconds": round(seconds, 1),
        "seconds_a_file": round(seconds / files, 4),
        "peak_mb": round(usage.ru_maxrss / 1e3, 1),
        "summary": summary,
    }


def count_right(project: Path, clips: list[Clip]) -> int:
    """How many of the lines say what is there, for the first question."""
    lines = (project / "answers.jsonl").read_text("utf-8").splitlines()
    answers = [json.loads(line)["answers"][0]["answer"] for line in lines]
    truth = [
        any((a.scene.colour, a.scene.shape) == ("red", "ball") for a in clip.actors)
        for clip in clips
    ]
    return sum((a == "yes") == t for a, t in zip(answers, truth, strict=True))


def measure(project: Path, count: int) -> Document:
    say(f"writing {count} clips")
    write_clips(project / "few", count // 10, SEED + 1)
    clips = write_clips(project / "many", count)
    runs = {}
    for name, folder, question in (
        ("few", "few", FIRST),
        ("many", "many", FIRST),
        ("again", "many", FIRST),
        ("another_question", "many", OTHER),
    ):
        runs[name] = ask(project, folder, question)
        say(f"{name}: {runs[name]}")
        if name == "many":
            right = count_right(project, clips)
    again, many = runs["again"]["summary"], runs["many"]
    return {
        "questions": [FIRST, OTHER],
        "runs": runs,
        "right": right,
        "goals": {
            "asked_again": judge(float(again["files"] - again["stored"]), "<= 0"),
            "peak_memory_of_all_to_a_tenth": judge(
                round(many["peak_mb"] / runs["few"]["peak_mb"], 3), "<= 1.2"
            ),
        },
    }


def main() -> None:
    parser = make_parser(__doc__)
    parser.set_defaults(results=FOLDER)
    parser.add_argument("--files", type=int, default=2000)
    args = parser.parse_args()
    machine = describe_machine()
    with open_workspace(args.folder) as project:
        document = measure(project, args.files)
    document["versions"] = describe_versions("torch", "transformers", "av")
    write_result("batch", document, machine, args.results)
    print_goals(document["goals"])


if __name__ == "__main__":
    main()
