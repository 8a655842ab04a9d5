"""What a build enters of what it found stored, and of what stood behind what it computed."""

from __future__ import annotations

from pathlib import Path

from rushes.ledger import Ledger
from rushes.plan.order import order_work
from rushes.run.execute import SilentObserver
from rushes.run.messages import Finished
from rushes.run.record import LedgerObserver
from rushes.run.result import RunResult
from rushes.store.index import Result
from rushes.types import Key
from tests.plan.tools import LOCK, PROJECT, change_package, plan_text


def test_hits_are_entered_once_a_key_with_the_seconds_that_they_took(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    plan = plan_text(PROJECT)
    entries = LedgerObserver(ledger, "r1", SilentObserver())
    entries.begin("p", "make", 1.0)
    entries.see_plan(plan)
    steps = order_work(plan, lambda key: False)
    step = next(s for s in steps if s.node.stage == "denoise")
    assert step.node.key is not None
    event = Finished(step.node.key, True, 1.0, 7.0, 5, None, {}, None, "cuda:0")
    entries.see_event(step, event)
    results = {key: Result(key, "x", {}, {}, 2.0, 1) for key in sorted(plan.keys())}
    entries.end(RunResult("r2", 1.0, 0.0, [], []), plan, results)
    hits = ledger.hits()
    kept = {row.node.key for row in plan.rows()}
    assert sum(hit.nodes for hit in hits) == len(kept)
    assert sum(hit.seconds for hit in hits) == 2.0 * len(kept)
    on_gpu = [hit for hit in hits if hit.device == "cuda:0"]
    assert [(hit.stage, hit.model, hit.nodes) for hit in on_gpu] == [("denoise", "sprite", 1)]


def test_a_version_is_what_stands_behind_a_stage(tmp_path: Path) -> None:
    def version_of(lock: object, folder: Path) -> str:
        folder.mkdir()
        ledger = Ledger(folder / "ledger.sqlite")
        plan = plan_text(PROJECT, lock)  # type: ignore[arg-type]
        entries = LedgerObserver(ledger, "r", SilentObserver())
        entries.see_plan(plan)
        step = next(s for s in order_work(plan, lambda key: False) if s.node.stage == "denoise")
        key = Key(str(step.node.key))
        entries.see_event(step, Finished(key, True, 1.0, 7.0, 5, None, {}, None, "cpu"))
        return ledger.nodes()[0].version

    first = version_of(LOCK, tmp_path / "a")
    assert len(first) == 12
    assert version_of(LOCK, tmp_path / "b") == first
    assert version_of(change_package("diffusers"), tmp_path / "c") != first
