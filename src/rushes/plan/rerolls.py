"""What follows a take that was refused: nothing, a span of it made again, or another seed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rushes.plan.nodes import Take
from rushes.plan.seeds import attempt_seed
from rushes.spec.given import RetakePart
from rushes.spec.project import Mend, Shot
from rushes.stages.repair import mends_spans

Facts = Mapping[str, Any]
"""What a verdict's node is stored with: ``passed``, ``passes``, ``margin`` and ``verdicts``."""

SEEDLESS = frozenset({"container"})
"""Checks of what export does: another seed fails them too."""
PARTS: Mapping[str, RetakePart] = {
    **dict.fromkeys(
        ("black", "frozen", "flicker", "cut", "jump", "drift", "seam", "sharpness", "banding",
         "text", "nudity"), "picture",
    ),
    **dict.fromkeys(("silence", "clipping", "peak", "hum", "click", "speech", "sync"), "sound"),
}  # fmt: skip
"""What is made again for a check; both for one that is not here and says nothing itself. ``sync``
mends the sound: the picture is what prompts speak of."""
MAX_REPAIRS = 3
"""Of one seed; then another is tried."""
MAX_SHARE = 0.6
"""Of a clip that one repair may make again: beyond it another seed is as near."""
SEAM_CHECKS: Mapping[RetakePart, tuple[str, ...]] = {
    "picture": ("seam",), "sound": ("click",), "both": ("seam", "click"),
}  # fmt: skip
"""What a repaired take is also judged by, whatever the shot asks for."""


def list_refusals(facts: Facts) -> list[dict[str, Any]]:
    """The checks that refused a take; those that only warn are not among them."""
    rows = facts.get("verdicts") or []
    return [row for row in rows if not row["passed"] and row.get("level") != "warn"]


def rank_take(take: Take, facts: Facts) -> tuple[int, float, int]:
    """Higher is better: passed checks, then the worst margin, then the earlier take."""
    return facts["passes"] - take.added, facts["margin"], -take.attempt


def why_stop(takes: Sequence[Take], history: Sequence[Facts]) -> str:
    """Why no seed would help after these refused takes, with their facts; "" where one may."""
    refusals = list_refusals(history[-1])
    for row in refusals:
        if row["check"] in SEEDLESS:
            return f"{row['check']} does not depend on the seed"
    others = [n for n, take in enumerate(takes) if take.seed != takes[-1].seed]
    if others and refusals and _alike(list_refusals(history[others[-1]]), refusals):
        names = ", ".join(str(row["check"]) for row in refusals)
        return f"two seeds failed alike to the last digit ({names})"
    return ""


def _alike(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> bool:
    keys = ("check", "score", "evidence", "spans")
    return [[row.get(k) for k in keys] for row in before] == [
        [row.get(k) for k in keys] for row in after
    ]


def plan_mend(takes: Sequence[Take], history: Sequence[Facts]) -> tuple[Take, Mend] | None:
    """The take to repair next and how; None where another seed comes next.

    Args:
        takes: of one shot, all refused, with their facts.
    """
    shot, seed = takes[-1].shot, takes[-1].seed
    if not mends_spans(shot):
        return None
    chain = [n for n, take in enumerate(takes) if take.seed == seed]
    if len(chain) > MAX_REPAIRS:
        return None
    refusals = [list_refusals(facts) for facts in history]
    if len(chain) > 1 and _alike(refusals[chain[-2]], refusals[chain[-1]]):
        return None  # a repair that changed nothing
    best = max(chain, key=lambda n: rank_take(takes[n], history[n]))
    found = find_spans(shot, refusals[best])
    if found is None:
        return None
    spans, part = found
    return takes[best], Mend(spans, part, attempt_seed(shot.seed, takes[-1].attempt + 1))


def find_spans(
    shot: Shot, refusals: Sequence[dict[str, Any]]
) -> tuple[tuple[tuple[int, int], ...], RetakePart] | None:
    """Frames from and up to which a take is made again, and what of them; None where a refusal
    has no place, or too much of the clip would be made anew."""
    fps, frames = shot.shape.fps, shot.shape.frames
    if not refusals or not all(row.get("spans") for row in refusals):
        return None
    parts = {row.get("part") or PARTS.get(str(row["check"]), "both") for row in refusals}
    part: RetakePart = parts.pop() if len(parts) == 1 else "both"
    wanted: set[int] = set()
    for row in refusals:
        for span in row["spans"]:
            start = max(math.floor(span["start_seconds"] * fps + 1e-6), 0)
            end = max(math.ceil(span["end_seconds"] * fps - 1e-6), start + 1)
            wanted.update(range(min(start, frames - 1), min(end, frames)))
    if len(wanted) > MAX_SHARE * frames:
        return None
    return _join(sorted(wanted)), part


def _join(frames: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Runs of numbers as (first, last + 1)."""
    runs: list[list[int]] = []
    for frame in frames:
        if runs and frame == runs[-1][1]:
            runs[-1][1] += 1
        else:
            runs.append([frame, frame + 1])
    return tuple((low, high) for low, high in runs)
