"""Payments: exact sums, budgets that hold whoever reserves beside whom."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rushes.catalogue.allowance import Allowance
from rushes.errors import BudgetRefused, UsageError
from rushes.payments import Payments, show_usd, to_units, to_usd
from tests.paid.tools import allow

AMOUNTS = st.decimals("0", "3", places=9)


def reserve(payments: Payments, usd: str | Decimal, allowance: Allowance | None = None) -> str:
    return payments.reserve("i", allowance or allow(), "acme", "m", "reason", Decimal(usd))


@given(AMOUNTS)
def test_units_are_exact_and_never_round_down(usd: Decimal) -> None:
    assert to_usd(to_units(usd)) == usd
    assert to_usd(to_units(usd + Decimal("1e-12"))) > usd


@settings(max_examples=12)
@given(st.lists(st.tuples(AMOUNTS, st.sampled_from("srux"), st.integers(0, 2)), max_size=12))
def test_budgets_hold_and_ledgers_add_up(steps: list[tuple[Decimal, str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        payments = Payments(Path(folder) / "p.sqlite")
        for number, (usd, end, who) in enumerate(steps):
            allowance = allow(run=f"r{number % 3}", key=f"k{who}", per_run="2", per_key="4",
                              per_project="7", per_day="6.5")  # fmt: skip
            try:
                name = reserve(payments, usd, allowance)
            except BudgetRefused:
                continue
            if end == "s":
                payments.settle(name, usd / 2)
            elif end == "r":
                payments.release(name, "")
            elif end == "u":
                payments.leave_unclear(name, "")
        rows = payments.list_payments()
        total = sum((row.counted for row in rows), Decimal(0))
        for column, limit in (("run", 2), ("key", 4), ("project", 7), ("day", Decimal("6.5"))):
            groups = {getattr(row, column) for row in rows}
            sums = [payments.spent(column, value) for value in groups]  # type: ignore[arg-type]
            assert all(spent <= limit for spent in sums)
            assert sum(sums) == total


def test_a_refusal_names_the_budget_and_what_is_left(payments: Payments) -> None:
    reserve(payments, "0.7")
    with pytest.raises(BudgetRefused, match=r"0\.31 USD, .* run of 1 has 0\.30 left"):
        reserve(payments, "0.31")
    reserve(payments, "0.3")
    assert payments.spent("run", "run") == 1
    other = allow(run="other", per_day="1.2")
    with pytest.raises(BudgetRefused, match="per day"):
        reserve(payments, "0.21", other)


def test_yesterday_is_another_day(payments: Payments) -> None:
    allowance = allow(per_day="1", per_run="9")
    payments.reserve("i", allowance, "acme", "m", "reason", Decimal(1), now=1e9)
    payments.reserve("i", allowance, "acme", "m", "reason", Decimal(1), now=1e9 + 86400)
    with pytest.raises(BudgetRefused):
        payments.reserve("i", allowance, "acme", "m", "reason", Decimal(1), now=1e9 + 86400)


def test_threads_never_reserve_more_than_there_is(payments: Payments) -> None:
    def one(number: int) -> bool:
        try:
            reserve(payments, "0.07", allow(run=f"r{number % 4}", per_run="9", per_project="1"))
        except BudgetRefused:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(one, range(60))) == 14
    assert payments.spent("project", "project") == Decimal("0.98")


def test_processes_do_not_either(payments: Payments, tmp_path: Path) -> None:
    script = """
import sys
from decimal import Decimal
from pathlib import Path
from rushes.errors import BudgetRefused
from rushes.catalogue.allowance import Allowance
from rushes.payments import Payments
payments = Payments(Path(sys.argv[1]))
allowance = Allowance("run", "p", "k", per_run="1")
for _ in range(30):
    try:
        payments.reserve("i", allowance, "a", "m", "t", Decimal("0.03"))
    except BudgetRefused:
        break
"""
    path = tmp_path / "shared.sqlite"
    running = [subprocess.Popen([sys.executable, "-c", script, str(path)]) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert Payments(path).spent("run", "run") == Decimal("0.99")


def test_find_and_show(payments: Payments) -> None:
    with pytest.raises(UsageError, match="no payment"):
        payments.find("x")
    name = reserve(payments, "0.5")
    assert payments.find_intent("i") == payments.find(name)
    payments.release(name, "no")
    assert payments.find_intent("i") is None
    assert [show_usd(Decimal(t)) for t in ("0.5", "0.0000590", "2")] == ["0.50", "0.000059", "2.00"]
    assert msgspec.json.encode(payments.find(name))
