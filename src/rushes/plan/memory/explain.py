"""Why each stage lies as it does: every candidate, its peak and slowdown, and a sentence."""

from __future__ import annotations

import msgspec

from rushes.plan.memory.choose import Candidate, StageChoice
from rushes.plan.memory.fit import MemoryPlan


class CandidateRow(msgspec.Struct, frozen=True):
    """One way to run a stage; see :class:`rushes.plan.memory.predict.Prediction`."""

    placement: str
    numerics: dict[str, str]
    peak_bytes: int
    weights_bytes: int
    work_bytes: int
    overhead_bytes: int
    loading_bytes: int
    host_bytes: int
    slowdown: float
    fits: bool
    taken: bool


class StageReason(msgspec.Struct, frozen=True):
    """A stage of a model at its largest, and why it runs as it does."""

    model: str
    stage: str
    candidates: list[CandidateRow]
    why: str


def explain_memory(memory: MemoryPlan) -> list[StageReason]:
    """The candidates of every stage of every model, each at its largest node."""
    largest: dict[tuple[str, str], StageChoice] = {}
    for choice in memory.choices.values():
        place = choice.model, choice.stage
        known = largest.get(place)
        if known is None or choice.taken.prediction.peak > known.taken.prediction.peak:
            largest[place] = choice
    limit = memory.target.limit_bytes
    return [
        StageReason(
            choice.model,
            choice.stage,
            [_row(c, choice) for c in choice.candidates],
            _reason(choice, limit),
        )
        for choice in largest.values()
    ]


def _row(candidate: Candidate, choice: StageChoice) -> CandidateRow:
    prediction = candidate.prediction
    return CandidateRow(
        placement=candidate.placement.label,
        numerics={part: how for part, how in candidate.numerics if part in choice.parts},
        peak_bytes=prediction.peak,
        weights_bytes=prediction.weights,
        work_bytes=prediction.work + prediction.widened,
        overhead_bytes=prediction.overhead,
        loading_bytes=prediction.loading,
        host_bytes=prediction.host,
        slowdown=candidate.slowdown,
        fits=candidate.fits,
        taken=candidate is choice.taken,
    )


def _reason(choice: StageChoice, limit: int) -> str:
    taken = choice.taken
    if not taken.fits:
        short = (taken.prediction.peak - limit) / 1e9
        return f"nothing fits: even {taken.placement.label} is {short:.1f} GB over"
    if taken.placement.kind == "resident":
        return "everything that the plan loads fits at once"
    whole = choice.candidates[0].prediction.peak
    if whole > limit:
        over = f"everything resident would take {whole / 1e9:.1f} GB"
    else:
        over = "another stage does not fit beside what would stay"
    return f"{over}; of what fits, {taken.placement.label} is the fastest ({taken.slowdown:.2f} x)"
