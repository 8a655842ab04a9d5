"""A build's entries in the ledger, written as they happen."""

from __future__ import annotations

import time
from collections.abc import Mapping
from decimal import Decimal

import msgspec

import rushes
from rushes.canon import digest_value
from rushes.catalogue.model import Model
from rushes.ledger import HitRow, Ledger, NodeRow, RunEnd, RunStart, describe_machine, describe_user
from rushes.plan.mending import count_token_passes
from rushes.plan.nodes import Node, Plan
from rushes.plan.order import Step
from rushes.run.execute import Observer
from rushes.run.messages import Broken, Event, Finished, Paid
from rushes.run.result import RunResult
from rushes.stages.denoise import DenoiseParams
from rushes.store.index import Result
from rushes.types import Key

VERSION_LETTERS = 12

Versions = Mapping[tuple[str, str | None], str]
"""By stage and model, a digest of what stands behind it."""

Seeds = Mapping[tuple[str, int], int]
"""Seed by shot and attempt."""


class LedgerObserver:
    """Passes everything on to another observer, and adds each node to the ledger when it ends."""

    def __init__(self, ledger: Ledger, run: str, observer: Observer) -> None:
        self.ledger, self.run, self.observer = ledger, run, observer
        self.typical = ledger.typical()
        self.seeds: Seeds = {}
        self.versions: Versions = {}
        self.models: Mapping[str, Model] = {}
        self.usd = Decimal(0)
        self._paid: dict[Key, Decimal] = {}

    def begin(self, project: str, command: str, started_at: float) -> None:
        """The run begins."""
        start = RunStart(
            id=self.run,
            started_at=started_at,
            project=project,
            command=command,
            asked_by=describe_user(),
            rushes=rushes.__version__,
            machine=describe_machine(),
        )
        self.ledger.begin_run(start)

    def end(self, result: RunResult, plan: Plan, results: Mapping[Key, Result]) -> None:
        """The run has ended by itself.

        Args:
            results: what is stored of the plan.
        """
        hits = sum(len(clip.stages) for clip in result.clips) - result.ran
        end = RunEnd(result.run, result.seconds, hits, result.ran, result.usd, result.exit_code)
        ran = {s.key for clip in result.clips for s in clip.stages if s.result == "ran"}
        self.ledger.add_hits(self._list_hits(plan, results, ran))
        self.ledger.end_run(end)

    def _list_hits(self, plan: Plan, results: Mapping[Key, Result], ran: set[Key]) -> list[HitRow]:
        """What this run did not compute, each key once."""
        found: dict[Key, Node] = {}
        for row in plan.rows():
            key = row.node.key
            if key is not None and key in results and key not in ran:
                found[key] = row.node
        devices = self.ledger.devices(found)
        sums: dict[tuple[str, str | None, str], list[float]] = {}
        for key, node in found.items():
            kind = (node.stage, node.model, devices.get(key, ""))
            sums.setdefault(kind, []).append(results[key].seconds)
        return [
            HitRow(self.run, *kind, nodes=len(seconds), seconds=sum(seconds))
            for kind, seconds in sums.items()
        ]

    def see_plan(self, plan: Plan) -> None:
        """The plan whose steps come next."""
        self.seeds = {
            (s.shot.name, take.attempt): take.seed for s in plan.shots for take in s.takes
        }
        self.models = {model.instance: model for model in plan.project.instances}
        self.versions = {
            kind: digest_value(environment)[:VERSION_LETTERS]
            for kind, environment in plan.environments.items()
        }

    def see_steps(self, steps: list[Step]) -> None:
        """Passed on."""
        self.observer.see_steps(steps)

    def see_start(self, step: Step) -> None:
        """Passed on."""
        self.observer.see_start(step)

    def see_event(self, step: Step, event: Event) -> None:
        """Passed on; an end is entered, with what was paid until then."""
        if isinstance(event, Paid):
            self.usd += Decimal(event.usd)
            self._paid[event.key] = self._paid.get(event.key, Decimal(0)) + Decimal(event.usd)
        elif isinstance(event, Finished) and event.ran:
            guess = event.predicted_bytes
            if guess is None:
                guess = self.typical.get((step.node.stage, step.node.model), (None, None))[1]
            self.ledger.add_nodes([self._finish(step, event, guess)])
        elif isinstance(event, Broken) and event.error_type != "CorruptObject":
            self.ledger.add_nodes([self._break(step, event)])
        self.observer.see_event(step, event)

    def _finish(self, step: Step, event: Finished, predicted: int | None) -> NodeRow:
        row = _finished_row(self.run, step, event, self.seeds, predicted)
        passes = self._count_passes(step.node)
        return self._complete(row, step, passes)

    def _count_passes(self, node: Node) -> int | None:
        model = self.models.get(node.model or "")
        if model is None or not isinstance(node.params, DenoiseParams):
            return None
        return count_token_passes(node.params, model)

    def _break(self, step: Step, event: Broken) -> NodeRow:
        return self._complete(_broken_row(self.run, step, event, self.seeds), step, None)

    def _complete(self, row: NodeRow, step: Step, passes: int | None) -> NodeRow:
        """With what stood behind it, what it was paid, and why."""
        return msgspec.structs.replace(
            row,
            version=self.versions.get((step.node.stage, step.node.model), ""),
            token_passes=passes,
            usd=float(self._paid.pop(Key(row.key), Decimal(0))),
            reason=_find_reason(step),
        )


def _finished_row(
    run: str, step: Step, event: Finished, seeds: Seeds, predicted: int | None
) -> NodeRow:
    return NodeRow(
        run=run,
        key=event.key,
        stage=step.node.stage,
        model=step.node.model,
        shot=step.name,
        attempt=step.attempt,
        seed=seeds.get((step.name, step.attempt)),
        started_at=event.started_at,
        seconds=event.seconds,
        predicted_peak_bytes=predicted,
        peak_bytes=event.peak_bytes,
        usd=0.0,
        resumed_step=event.resumed_step,
        loads=msgspec.json.encode(event.loads).decode(),
        passed=event.passed,
        error=None,
        placement=event.placement,
        device=event.device,
    )


def _find_reason(step: Step) -> str:
    """Why others made it for money: takes before it failed, or the shot names its model."""
    if step.node.stage != "generate" or not step.node.params.provider:  # type: ignore[attr-defined]
        return ""
    return "qa" if step.attempt else "stated"


def _broken_row(run: str, step: Step, event: Broken, seeds: Seeds) -> NodeRow:
    node = step.node
    again = f"; tried again with {event.retry}" if event.retry else ""
    return NodeRow(
        run=run,
        key=node.key or "",
        stage=node.stage,
        model=node.model,
        shot=step.name,
        attempt=step.attempt,
        seed=seeds.get((step.name, step.attempt)),
        started_at=time.time(),
        seconds=0.0,
        predicted_peak_bytes=event.predicted_bytes,
        peak_bytes=0,
        usd=0.0,
        resumed_step=None,
        loads="{}",
        passed=None,
        error=f"{event.error_type}: {event.message}" + again,
        placement=event.placement,
    )
