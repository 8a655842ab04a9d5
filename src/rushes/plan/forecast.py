"""A plan with what is known of its cost: the ``plan --json`` document."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from rushes.plan.nodes import Node, Plan
from rushes.plan.order import order_work
from rushes.store.index import Result
from rushes.types import Key

Typical = Mapping[tuple[str, str | None], tuple[float, int]]
"""Mean seconds and largest peak in bytes by (stage, model), from the ledger."""


class StageForecast(msgspec.Struct, frozen=True):
    """One stage. ``seconds`` and ``peak_bytes``: measured where it is stored, else what the same
    stage and model took before on this machine, else null."""

    shot: str
    stage: str
    key: Key | None
    cached: bool
    seconds: float | None
    peak_bytes: int | None
    usd: float
    attempt: int = 0


class OrderedStep(msgspec.Struct, frozen=True):
    """One step of the work, in order; ``loads``: parts of the model it loads first."""

    shot: str
    stage: str
    attempt: int
    loads: tuple[str, ...]
    seconds: float | None


class Totals(msgspec.Struct, frozen=True):
    """Sums over what would run; null where a part of it is not known."""

    stages: int
    cached: int
    to_run: int
    unlocked: int
    seconds: float | None
    peak_bytes: int | None
    usd: float


class Forecast(msgspec.Struct, frozen=True):
    """The document."""

    stages: list[StageForecast]
    order: list[OrderedStep]
    totals: Totals


def forecast_plan(plan: Plan, results: Mapping[Key, Result], typical: Typical) -> Forecast:
    """What a plan would run, and what that is known to take."""
    stages = [
        _forecast_stage(row.name, row.attempt, row.node, results, typical) for row in plan.rows()
    ]
    order = [
        OrderedStep(
            step.name,
            step.node.stage,
            step.attempt,
            step.loads,
            typical.get((step.node.stage, step.node.model), (None, None))[0],
        )
        for step in order_work(plan, results.__contains__, ahead=True)
    ]
    known = [step.seconds for step in order if step.seconds is not None]
    peaks = [stage.peak_bytes for stage in stages if not stage.cached]
    whole = [peak for peak in peaks if peak is not None]
    return Forecast(
        stages,
        order,
        Totals(
            stages=len(stages),
            cached=sum(stage.cached for stage in stages),
            to_run=len(order),
            unlocked=sum(stage.key is None for stage in stages),
            seconds=round(sum(known), 3) if len(known) == len(order) else None,
            peak_bytes=max(whole, default=0) if len(whole) == len(peaks) else None,
            usd=0.0,
        ),
    )


def _forecast_stage(
    name: str, attempt: int, node: Node, results: Mapping[Key, Result], typical: Typical
) -> StageForecast:
    if node.key is not None and (result := results.get(node.key)) is not None:
        return StageForecast(
            name, node.stage, node.key, True, result.seconds, result.peak_bytes, 0.0, attempt
        )
    seconds, peak = typical.get((node.stage, node.model), (None, None))
    return StageForecast(name, node.stage, node.key, False, seconds, peak, 0.0, attempt)
