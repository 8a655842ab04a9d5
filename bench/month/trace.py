"""The month's requests: made from a seed, written once, and read by every simulation.

`.venv/bin/python -m bench.month.trace` writes `trace.csv.gz` again; the bytes are the same.
"""

from __future__ import annotations

import csv
import gzip
import io
import random
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import get_type_hints

SEED = 20261129
REQUESTS = 10_000
DAYS = 30
TRACE = Path(__file__).with_name("trace.csv.gz")
HOURS = (1, 1, 1, 1, 1, 1, 2, 4, 8, 12, 13, 12, 10, 12, 13, 12, 10, 8, 5, 4, 3, 2, 2, 1)
"""How busy each hour of a day is, beside the others."""
TASKS = {"generate": 0.30, "understand": 0.40, "reason": 0.20, "code": 0.10}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One request.

    Args:
        at: seconds from the month's beginning.
        clip_seconds: of a clip to be made; 0 of others.
        task_class: computer-use, or "".
        capable: whether an open model can do it at all.
        failures: takes of an open model that checks refuse before one passes.
        open_seconds, paid_seconds: of work, of one take.
    """

    at: float
    task: str
    clip_seconds: int
    tokens_in: int
    tokens_out: int
    task_class: str
    capable: bool
    failures: int
    open_seconds: float
    paid_seconds: float


def draw_request(dice: random.Random, at: float) -> Wanted:
    """One request; shares and times are assumptions, named in docs/routing.md."""
    task = dice.choices(list(TASKS), list(TASKS.values()))[0]
    clip = dice.choice((4, 6, 8)) if task == "generate" else 0
    computer = task == "reason" and dice.random() < 0.15
    failures = 0
    while task == "generate" and failures < 6 and dice.random() < 0.2:
        failures += 1
    words = {"generate": (60, 0), "understand": (6000, 150), "reason": (2500, 900),
             "code": (4000, 1200)}[task]  # fmt: skip
    tokens = [round(count * dice.lognormvariate(0, 0.4)) for count in words]
    work = {"generate": 9.0 * clip, "understand": 6.0, "reason": 15.0, "code": 20.0}[task]
    paid = {"generate": 60.0, "understand": 5.0, "reason": 8.0, "code": 10.0}[task]
    return Wanted(
        at=round(at, 1),
        task=task,
        clip_seconds=clip,
        tokens_in=tokens[0],
        tokens_out=tokens[1],
        task_class="computer-use" if computer else "",
        capable=not computer and dice.random() < 0.97,
        failures=failures,
        open_seconds=round(work * dice.lognormvariate(0, 0.25), 2),
        paid_seconds=round(paid * dice.lognormvariate(0, 0.5), 2),
    )


def draw_trace(seed: int = SEED, requests: int = REQUESTS) -> list[Wanted]:
    """All requests, in the order in which they come."""
    dice = random.Random(seed)
    times = sorted(
        dice.randrange(DAYS) * 86400 + dice.choices(range(24), HOURS)[0] * 3600
        + dice.random() * 3600
        for _ in range(requests)
    )  # fmt: skip
    return [draw_request(dice, at) for at in times]


def write_trace(path: Path = TRACE) -> None:
    """As compressed CSV, without a date in it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([field.name for field in fields(Wanted)])
    writer.writerows(astuple(wanted) for wanted in draw_trace())
    path.write_bytes(gzip.compress(out.getvalue().encode(), 9, mtime=0))


def read_trace(path: Path = TRACE) -> list[Wanted]:
    """What was written."""
    kinds = get_type_hints(Wanted)
    rows = csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode()))
    return [
        Wanted(**{k: v == "True" if kinds[k] is bool else kinds[k](v) for k, v in row.items()})
        for row in rows
    ]


if __name__ == "__main__":
    write_trace()
