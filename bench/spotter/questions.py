"""How well spotter reads: 1,000 held-out questions over rendered truth, on finished MP4 files.

Beside them: agreement with the oracle over sprite's own clips, and seconds for a clip of 4 s.
`python -m bench.spotter.questions` writes `bench/spotter/results/questions.json`.
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from bench.spotter.agreement import compare_with_oracle
from bench.spotter.cases import CRF, SEED, Case, draw_cases, draw_other_cases
from bench.sprite.adherence import wilson
from rushes.readers.base import LoadedReader, find_reader
from rushes.readers.sampling import sample_clip
from training.spotter.export import OUT
from training.spotter.render import draw_clip, write_mp4
from training.spotter.scenes import Look
from training.spotter.scenes import sample_clip as draw_random_clip

RESULTS = Path(__file__).parent / "results" / "questions.json"
QUESTIONS = 1000
GOALS = {
    "closed": 0.95,
    "times": 0.90,
    "false_yes": 0.03,
    "oracle": 0.93,
    "seconds_4s": 2.0,
}

_worker: dict[str, LoadedReader] = {}


def _start_worker(folder: Path) -> None:
    torch.set_num_threads(1)
    _worker["reader"] = find_reader("qwen3vl").open(folder, "cpu")


def ask_case(case: Case) -> list[dict]:
    """Writes the clip, reads it back, asks; one row a question."""
    reader = _worker["reader"]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        crf = CRF if case.clip.look.crf is None else case.clip.look.crf
        write_mp4(path, draw_clip(case.clip), case.clip.rate, crf)
        frames = sample_clip(path, reader.sampling)
        for question, held in zip(case.questions, case.wording, strict=True):
            said = reader.ask(frames, question.text)
            rows.append(
                {
                    "clip": case.number,
                    "objects": len(case.clip.actors),
                    "held_out_triple": case.held_out,
                    "held_out_wording": held,
                    "compressed": case.clip.look.crf is not None,
                    "kind": question.kind,
                    "question": question.text,
                    "truth": question.answer,
                    "seconds": question.seconds,
                    "closed": question.closed,
                    "absent": question.absent,
                    "said": said.answer,
                    "said_seconds": said.spans[0].start_seconds if said.spans else None,
                    "tokens": said.tokens,
                }
            )
    return rows


def ask_cases(cases: list[Case], args: argparse.Namespace) -> list[dict]:
    """All of them, on as many workers as asked for, in order."""
    context = get_context("spawn")
    with ProcessPoolExecutor(args.workers, context, _start_worker, (args.weights,)) as pool:
        return [row for rows in pool.map(ask_case, cases) for row in rows]


def is_right(row: dict, interval: float) -> bool:
    """The words of the truth, or a time within one sampled interval of the true one."""
    if row["seconds"] is None:
        return row["said"].lower().strip(" .") == row["truth"]
    said = row["said_seconds"]
    return said is not None and abs(said - row["seconds"]) <= interval + 1e-6


def summarise(rows: list[dict], interval: float) -> dict[str, object]:
    """Shares with their intervals."""

    def share(chosen: Callable[[dict], bool]) -> dict:
        some = [r for r in rows if chosen(r)]
        return wilson(sum(is_right(r, interval) for r in some), len(some))

    false = [r for r in rows if r["truth"] == "no"]
    gone = [r for r in rows if r["absent"]]
    yes = [r for r in gone if r["said"].startswith("yes")]
    return {
        "all": share(lambda r: True),
        "closed": share(lambda r: r["closed"]),
        "times": share(lambda r: r["seconds"] is not None),
        "descriptions": share(lambda r: r["kind"] == "describe"),
        "says_not_in_this_clip": share(lambda r: r["truth"] == "not in this clip"),
        "false_yes_to_false": wilson(sum(r["said"].startswith("yes") for r in false), len(false)),
        "false_yes_to_absent": wilson(len(yes), len(gone)),
    }


def time_reading(folder: Path, threads: int, repeats: int = 5) -> dict[str, object]:
    """Seconds for a 4 s clip at 96x96 and 16 fps: decoding, sampling, one answer, one more."""
    torch.set_num_threads(threads)
    begin = time.perf_counter()
    reader = find_reader("qwen3vl").open(folder, "cpu")
    first, second, tokens = [], [], 0
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "clip.mp4"
        rng = np.random.default_rng(SEED)
        clip = draw_random_clip(rng, width=96, height=96, rate=16, seconds=4.0, look=Look())
        write_mp4(path, draw_clip(clip), clip.rate, CRF)
        reader.ask(sample_clip(path, reader.sampling), "what happens?")
        loading = time.perf_counter() - begin
        for _ in range(repeats):
            start = time.perf_counter()
            frames = sample_clip(path, reader.sampling)
            tokens = reader.ask(frames, "what happens?").tokens
            middle = time.perf_counter()
            reader.ask(frames, "how many objects are there?")
            first.append(middle - start)
            second.append(time.perf_counter() - middle)
    return {
        "threads": threads,
        "import_load_and_first_answer_seconds": round(loading, 3),
        "clip_and_answer_seconds": round(statistics.median(first), 3),
        "each_further_answer_seconds": round(statistics.median(second), 3),
        "tokens": tokens,
        "timings_seconds": [round(s, 3) for s in first],
    }


def report(rows: list[dict], args: argparse.Namespace, seconds: float) -> dict[str, object]:
    interval = 1 / find_reader("qwen3vl").open(args.weights, "cpu").sampling.fps

    def of(chosen: Callable[[dict], bool]) -> dict[str, object]:
        return summarise([r for r in rows if chosen(r)], interval)

    kinds = sorted({r["kind"] for r in rows})
    return {
        "what": "spotter's answers to held-out questions over rendered truth, on MP4 files",
        "machine": {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()},
        "versions": {n: version(n) for n in ("torch", "transformers", "av", "numpy")},
        "settings": {"questions": len(rows), "seed": SEED, "interval_seconds": interval},
        "goals": GOALS,
        "seconds": round(seconds, 1),
        "all": of(lambda r: True),
        "known_triples": of(lambda r: not r["held_out_triple"]),
        "held_out_triples": of(lambda r: r["held_out_triple"]),
        "known_wordings": of(lambda r: not r["held_out_wording"]),
        "held_out_wordings": of(lambda r: r["held_out_wording"]),
        "compressed": of(lambda r: r["compressed"]),
        "by_objects": {str(n): of(lambda r, n=n: r["objects"] == n)["all"] for n in range(4)},
        "by_kind": {k: of(lambda r, k=k: r["kind"] == k)["all"] for k in kinds},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=QUESTIONS)
    parser.add_argument("--others", type=int, default=500, help="in another author's wordings")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2, help="while a single clip is timed")
    parser.add_argument("--weights", type=Path, default=OUT)
    parser.add_argument("--sprite-clips", type=int, default=60, help="0 leaves the oracle out")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    begin = time.time()
    rows = ask_cases(draw_cases(args.questions), args)[: args.questions]
    others = ask_cases(draw_other_cases(args.others), args)[: args.others]
    result = report(rows, args, time.time() - begin)
    result["wordings_of_another_author"] = summarise(others, result["settings"]["interval_seconds"])
    result["speed"] = time_reading(args.weights, args.threads)
    if args.sprite_clips:
        result["oracle"] = compare_with_oracle(args.weights, args.sprite_clips)
    result["rows"], result["rows_of_another_author"] = rows, others
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({k: v for k, v in result.items() if not k.startswith("rows")}, indent=1))


if __name__ == "__main__":
    main()
