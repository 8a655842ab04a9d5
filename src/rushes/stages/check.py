"""check: the finished clip, judged by every check it asks for in one decode."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from rushes.checks.base import Answered, Expectation, Verdict
from rushes.checks.own import is_own
from rushes.stages.ask import AnswerRow, read_answers
from rushes.stages.base import Job, Made, Params, Stage


class CheckParams(Params, frozen=True):
    """``checks``: name and version of each; the rest is what the clip must be.

    ``joins`` are where a film goes from shot to shot, (start, end) in seconds; ``seams`` where a
    clip goes on from what was made before. ``packages`` are names and versions of what only
    some checks need; ``prompts`` and ``pictures`` (frame or -1, and the input's name) are for
    those that read them.
    """

    checks: tuple[tuple[str, int], ...]
    frames: int
    height: int
    width: int
    fps: float
    audio: bool = True
    joins: tuple[tuple[float, float], ...] = ()
    seams: tuple[float, ...] = ()
    packages: tuple[tuple[str, str], ...] = ()
    prompts: tuple[str, ...] = ()
    pictures: tuple[tuple[int, str], ...] = ()


def run(job: Job) -> Made:
    """Judge the clip; the verdicts are the facts that re-rolls go by."""
    from rushes.checks.registry import check_file

    params: CheckParams = job.params
    expect = Expectation(
        params.frames,
        params.width,
        params.height,
        params.fps,
        params.audio,
        params.joins,
        params.seams,
        params.prompts,
        tuple((frame, Path(job.inputs[name]["file"])) for frame, name in params.pictures),
    )
    names = [str(job.inputs[name]["file"]) if is_own(name) else name for name, _ in params.checks]
    answers = _find_answers(job.inputs)
    verdicts = check_file(job.inputs["clip"]["clip"], names, expect, answers)
    rows = [to_row(verdict) for verdict in verdicts]
    path = job.folder / "verdicts.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=1))
    return Made({"verdicts": path}, {"verdicts": rows, **sum_up(verdicts)})


def _find_answers(inputs: Mapping[str, Mapping[str, Path]]) -> dict[str, list[Answered]] | None:
    """What a reader said, by check; None where no check asks."""
    if "answers" not in inputs:
        return None
    return group_answers(read_answers(inputs["answers"]["answers"]))


def group_answers(rows: Iterable[AnswerRow]) -> dict[str, list[Answered]]:
    """Answers by the check that asked."""
    found: dict[str, list[Answered]] = {}
    for row in rows:
        found.setdefault(row.check, []).append(Answered(row.question, row.answer))
    return found


def to_row(verdict: Verdict) -> dict[str, object]:
    """A verdict as the ``checks`` entry of the ``--json`` contract."""
    return {
        "check": verdict.check,
        "passed": verdict.passed,
        "score": round(verdict.score, 6),
        "threshold": verdict.threshold,
        "message": verdict.message,
        "spans": [
            {
                "start_seconds": round(span.start_seconds, 4),
                "end_seconds": round(span.end_seconds, 4),
                "note": span.note,
            }
            for span in verdict.spans
        ],
        "evidence": dict(verdict.evidence),
        **({} if verdict.part is None else {"part": verdict.part}),
    }


def sum_up(verdicts: list[Verdict]) -> dict[str, object]:
    """What re-rolls go by: all passed, how many did, and the worst margin over a threshold."""
    return {
        "passed": all(verdict.passed for verdict in verdicts),
        "passes": sum(verdict.passed for verdict in verdicts),
        "margin": min((v.score - v.threshold for v in verdicts), default=0.0),
    }


PACKAGES = ("av", "numpy", "opencv-python-headless")
STAGE = Stage("check", 2, "media", 6, PACKAGES, CheckParams, run)
