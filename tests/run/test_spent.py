"""What a run says it spent, whatever became of what was paid."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rushes.errors import ServerError
from rushes.ledger import Ledger
from rushes.payments import VARIABLE, Payments
from rushes.plan.nodes import Plan
from rushes.plan.order import Step
from rushes.route.answer import Asker, read_words
from rushes.run.execute import SilentObserver
from rushes.run.messages import Event, Task, decode_event
from rushes.run.record import LedgerObserver
from rushes.run.worker import Worker
from rushes.spec.remotes import make_allowance
from rushes.spec.resolve import load_project
from rushes.store.store import Store
from tests.paid.provider import make_clip
from tests.plan.test_accepted import PAID
from tests.plan.tools import plan_text

TEXT = (
    PAID
    + """\
[project]
name = "p"
model = "cloud"
[shots.one]
prompt = "a red ball bounces on a grey background"
seconds = 2
"""
)


class Studio:
    """A provider that makes the same clip of everything, in place of LiteLLM's process."""

    def __init__(self, clip: bytes) -> None:
        self.clip = clip

    def call(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        if request["operation"] == "begin_video":
            return {"job": "job-1"}
        if request["operation"] == "look_at_video":
            return {"status": "completed", "seconds": 2}
        return {"nbytes": Path(request["path"]).write_bytes(self.clip)}


def run_node(store: Store, plan: Plan, stage: str) -> list[Event]:
    """What a worker tells of one node of the first shot."""
    node, out = plan.shots[0].kept.nodes[stage], io.BytesIO()
    assert node.key is not None
    task = Task(
        key=node.key,
        stage=stage,
        params=msgspec.Raw(msgspec.json.encode(node.params)),
        inputs={name: before.key for name, before in node.inputs if before.key is not None},
        model=None,
        checkpoint_seconds=30.0,
        remote=plan.project.remotes.get(node.model or ""),
        allowance=make_allowance(plan.project, "run", "me"),
    )
    Worker(store, None, out).handle(task)
    return [decode_event(line) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("side", "error"),
    [(96, None), (32, "cloud made 32x32, not 96x96")],
    ids=["usable", "unusable"],
)
def test_what_was_paid_counts_whatever_became_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: int, error: str | None
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "payments.sqlite"))
    studio = Studio(make_clip(tmp_path, side=side))
    monkeypatch.setattr("rushes.paid.gateway.shared_client", lambda: studio)
    plan, store = plan_text(TEXT), Store(tmp_path / "store")
    for turn, usd in enumerate((0.2, 0.0)):
        run_node(store, plan, "render_prompt")
        entries = LedgerObserver(Ledger(tmp_path / f"{turn}.sqlite"), "run", SilentObserver())
        step = Step(plan.shots[0].kept.nodes["generate"], "one", 0, ())
        for event in run_node(store, plan, "generate"):
            entries.see_event(step, event)
        rows = entries.ledger.nodes()
        assert entries.usd == Decimal(str(usd)), "what was paid before is not paid again"
        assert [(row.usd, row.reason) for row in rows] == [(usd, "stated")] * len(rows)
        assert error is None or error in (rows[0].error or "")
        assert len(rows) == (1 if error or not turn else 0)
    assert [payment.settled for payment in Payments().list_payments()] == [Decimal("0.2")]


class Mute:
    """A provider that answers with no words, and has tokens paid for them."""

    def call(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        return {"text": " ", "tokens_in": 1000, "tokens_out": 100, "model": "gpt-x"}


def test_an_answer_without_words_is_paid_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "payments.sqlite"))
    price = 'usd_per_million_in = "1"\nusd_per_million_out = "10"\n'
    text = TEXT.replace('tasks = ["generate"]', 'tasks = ["reason"]')
    text = text.replace('usd_per_second = "0.10"\n', price).replace('model = "cloud"\n', "")
    (tmp_path / "rushes.toml").write_text(text)
    ledger = Ledger(tmp_path / "ledger.sqlite")
    asker = Asker(load_project(tmp_path), Payments(), ledger, {}, False, Mute())
    with pytest.raises(ServerError, match="no words"):
        asker.answer("reason", read_words("why?"))
    (paid,) = Payments().list_payments()
    assert paid.settled is not None
    assert paid.settled > 0
    assert [row.usd for row in ledger.nodes()] == [float(paid.settled)]
    assert [row.usd for row in ledger.runs()] == [float(paid.settled)]
