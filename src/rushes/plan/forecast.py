"""A plan with what is known of its cost: the ``plan --json`` document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from rushes.catalogue.model import Model
from rushes.plan.memory.fit import MemoryPlan
from rushes.plan.nodes import Node, Plan
from rushes.plan.order import order_work
from rushes.spec.project import Project
from rushes.stages.generate import GenerateParams
from rushes.store.index import Result
from rushes.types import Key

Typical = Mapping[tuple[str, str | None], tuple[float, int]]
"""Mean seconds and largest peak in bytes by (stage, model), from the ledger."""


class StageForecast(msgspec.Struct, frozen=True):
    """One stage. ``seconds``: measured where it is stored, else what the same stage and model took
    before on this machine, else null.

    ``peak_bytes``: predicted for the target of the plan where the model was traced; else as
    ``seconds``. ``placement``: how the model's parts lie; null for stages without a model.
    """

    shot: str
    stage: str
    key: Key | None
    cached: bool
    seconds: float | None
    peak_bytes: int | None
    usd: float
    attempt: int = 0
    placement: str | None = None
    numerics: dict[str, str] = {}
    host_bytes: int | None = None
    slowdown: float | None = None
    fits: bool = True


class OrderedStep(msgspec.Struct, frozen=True):
    """One step of the work, in order; ``loads``: parts of the model it loads first."""

    shot: str
    stage: str
    attempt: int
    loads: tuple[str, ...]
    seconds: float | None


class Totals(msgspec.Struct, frozen=True):
    """Sums over what would run; null where a part of it is not known. ``peak_bytes`` is the
    largest that is known of any stage."""

    stages: int
    cached: int
    to_run: int
    unlocked: int
    seconds: float | None
    peak_bytes: int | None
    usd: float


class MemoryForecast(msgspec.Struct, frozen=True):
    """What the plan was fitted to. ``limit``: in words, "" where the device is the limit.

    ``numerics``: by model and part, what is stated, locked or would be; ``stated``: of those that
    the project states, the dtype; ``untraced``: models of whose memory nothing is known.
    """

    device: str
    title: str
    limit_bytes: int
    limit: str
    fits: bool
    numerics: dict[str, dict[str, str]]
    proposed: list[str]
    untraced: list[str]
    stated: dict[str, str] = {}


class Forecast(msgspec.Struct, frozen=True):
    """The document."""

    stages: list[StageForecast]
    order: list[OrderedStep]
    totals: Totals
    memory: MemoryForecast | None = None


def forecast_plan(
    plan: Plan,
    results: Mapping[Key, Result],
    typical: Typical,
    memory: MemoryPlan | None = None,
) -> Forecast:
    """What a plan would run, and what that is known to take."""
    stages = [
        msgspec.structs.replace(
            _forecast_stage(row.name, row.attempt, row.node, results, typical, memory),
            usd=0.0 if row.node.key in results else float(price_node(plan.project, row.node)),
        )
        for row in plan.rows()
    ]
    ordered = order_work(plan, results.__contains__, ahead=True)
    order = [
        OrderedStep(
            step.name,
            step.node.stage,
            step.attempt,
            step.loads,
            typical.get((step.node.stage, step.node.model), (None, None))[0],
        )
        for step in ordered
    ]
    known = [step.seconds for step in order if step.seconds is not None]
    peaks = [stage.peak_bytes for stage in stages if stage.placement or not stage.cached]
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
            peak_bytes=max(whole, default=None if peaks else 0),
            usd=float(sum(price_node(plan.project, step.node) for step in ordered)),
        ),
        None if memory is None else _describe_memory(memory, plan.project.instances),
    )


def price_node(project: Project, node: Node) -> Decimal:
    """What a node costs when it runs; only what others make costs anything."""
    remote = project.remotes.get(node.model or "")
    if remote is None or not isinstance(node.params, GenerateParams):
        return Decimal(0)
    return remote.price_clip(node.params.frames / node.params.fps) or Decimal(0)


def _describe_memory(memory: MemoryPlan, models: Iterable[Model]) -> MemoryForecast:
    target = memory.target
    return MemoryForecast(
        device=target.device.name,
        title=target.device.title,
        limit_bytes=target.limit_bytes,
        limit=target.said,
        fits=not memory.misfits,
        numerics={name: dict(numerics) for name, numerics in memory.numerics.items()},
        proposed=sorted(memory.proposed),
        untraced=list(memory.untraced),
        stated={m.instance: m.stated.dtype for m in models if m.stated is not None},
    )


def _forecast_stage(
    name: str,
    attempt: int,
    node: Node,
    results: Mapping[Key, Result],
    typical: Typical,
    memory: MemoryPlan | None,
) -> StageForecast:
    stage = _without_memory(name, attempt, node, results, typical)
    choice = None if memory is None else memory.choices.get(node)
    if choice is None:
        return stage
    taken = choice.taken
    return msgspec.structs.replace(
        stage,
        peak_bytes=taken.prediction.peak,
        placement=taken.placement.label,
        numerics={part: how for part, how in taken.numerics if part in choice.parts},
        host_bytes=taken.prediction.host,
        slowdown=taken.slowdown,
        fits=taken.fits,
    )


def _without_memory(
    name: str, attempt: int, node: Node, results: Mapping[Key, Result], typical: Typical
) -> StageForecast:
    if node.key is not None and (result := results.get(node.key)) is not None:
        return StageForecast(
            name, node.stage, node.key, True, result.seconds, result.peak_bytes, 0.0, attempt
        )
    seconds, peak = typical.get((node.stage, node.model), (None, None))
    return StageForecast(name, node.stage, node.key, False, seconds, peak, 0.0, attempt)
