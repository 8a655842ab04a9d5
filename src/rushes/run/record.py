"""A build's entry in the ledger."""

from __future__ import annotations

import time
from collections.abc import Mapping

import msgspec

import rushes
from rushes.errors import RushesError
from rushes.ledger import Ledger, NodeRow, RunRow, describe_machine, describe_user
from rushes.plan.nodes import Plan
from rushes.plan.order import Step
from rushes.run.execute import Outcome
from rushes.run.messages import Finished
from rushes.run.result import RunResult

Seeds = Mapping[tuple[str, int], int]
"""Seed by shot and attempt."""


def enter_run(
    ledger: Ledger,
    plan: Plan,
    result: RunResult,
    outcome: Outcome,
    command: str,
    started_at: float,
) -> None:
    """Add the nodes that ran or broke, then the run."""
    typical = ledger.typical()
    seeds = {(s.shot.name, take.attempt): take.seed for s in plan.shots for take in s.takes}
    rows = []
    for step, event in outcome.finished.values():
        if event.ran:
            guess = typical.get((step.node.stage, step.node.model), (None, None))[1]
            rows.append(_finished_row(result.run, step, event, seeds, guess))
    rows += [_broken_row(result.run, step, exc, seeds) for step, exc in outcome.broken.values()]
    ledger.add_nodes(rows)
    devices = sorted({event.device for _, event in outcome.finished.values() if event.device})
    ledger.add_run(
        RunRow(
            id=result.run,
            started_at=started_at,
            seconds=result.seconds,
            project=plan.project.name,
            command=command,
            asked_by=describe_user(),
            rushes=rushes.__version__,
            machine=", ".join([describe_machine(), *devices]),
            hits=sum(len(clip.stages) for clip in result.clips) - result.ran,
            ran=sum(row.error is None for row in rows),
            usd=0.0,
            exit_code=result.exit_code,
        )
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
    )


def _broken_row(run: str, step: Step, error: RushesError, seeds: Seeds) -> NodeRow:
    node = step.node
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
        predicted_peak_bytes=None,
        peak_bytes=0,
        usd=0.0,
        resumed_step=None,
        loads="{}",
        passed=None,
        error=f"{type(error).__name__}: {error.message}",
    )
