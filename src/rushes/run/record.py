"""A build's entries in the ledger, written as they happen."""

from __future__ import annotations

import time
from collections.abc import Mapping

import msgspec

import rushes
from rushes.ledger import Ledger, NodeRow, RunEnd, RunStart, describe_machine, describe_user
from rushes.plan.nodes import Plan
from rushes.plan.order import Step
from rushes.run.execute import Observer
from rushes.run.messages import Broken, Event, Finished
from rushes.run.result import RunResult

Seeds = Mapping[tuple[str, int], int]
"""Seed by shot and attempt."""


class LedgerObserver:
    """Passes everything on to another observer, and adds each node to the ledger when it ends."""

    def __init__(self, ledger: Ledger, run: str, observer: Observer) -> None:
        self.ledger, self.run, self.observer = ledger, run, observer
        self.typical = ledger.typical()
        self.seeds: Seeds = {}

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

    def end(self, result: RunResult) -> None:
        """The run has ended by itself."""
        hits = sum(len(clip.stages) for clip in result.clips) - result.ran
        end = RunEnd(result.run, result.seconds, hits, result.ran, result.usd, result.exit_code)
        self.ledger.end_run(end)

    def see_plan(self, plan: Plan) -> None:
        """The plan whose steps come next."""
        self.seeds = {
            (s.shot.name, take.attempt): take.seed for s in plan.shots for take in s.takes
        }

    def see_steps(self, steps: list[Step]) -> None:
        """Passed on."""
        self.observer.see_steps(steps)

    def see_start(self, step: Step) -> None:
        """Passed on."""
        self.observer.see_start(step)

    def see_event(self, step: Step, event: Event) -> None:
        """Passed on; an end is entered."""
        if isinstance(event, Finished) and event.ran:
            guess = event.predicted_bytes
            if guess is None:
                guess = self.typical.get((step.node.stage, step.node.model), (None, None))[1]
            self.ledger.add_nodes([_finished_row(self.run, step, event, self.seeds, guess)])
        elif isinstance(event, Broken) and event.error_type != "CorruptObject":
            self.ledger.add_nodes([_broken_row(self.run, step, event, self.seeds)])
        self.observer.see_event(step, event)


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
    )


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
