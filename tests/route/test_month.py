"""The simulated month: its trace comes from its seed, and its table from its trace."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

from bench.month.simulate import POLICIES, RESULTS, price, run_month
from bench.month.trace import draw_trace, read_trace
from rushes.payments import Payments


def test_the_trace_is_what_the_seed_gives() -> None:
    assert read_trace() == draw_trace()


def test_the_table_is_what_the_trace_gives(tmp_path: Path) -> None:
    """The cheapest of the five to run; the others differ in their policy alone."""
    trace = read_trace()
    policy = POLICIES[1]
    said = run_month(policy, trace, Payments(tmp_path / "p.sqlite")).to_dict()
    rows = json.loads((RESULTS / "month.json").read_text())["policies"]
    assert said == next(row for row in rows if row["policy"] == policy.name)


def test_what_is_paid_is_what_the_requests_cost(tmp_path: Path) -> None:
    trace = read_trace()[:150]
    payments = Payments(tmp_path / "p.sqlite")
    month = run_month(POLICIES[-1], trace, payments)
    paid = sum((row.counted for row in payments.list_payments()), Decimal(0))
    assert paid == month.paid_usd == sum((price(wanted) for wanted in trace), Decimal(0))
