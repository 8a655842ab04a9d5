"""rushes paid: what was spent, and what a person says became of it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from rushes.paid.environment import VARIABLE, find_python, requirements
from rushes.payments import VARIABLE as PAYMENTS
from rushes.payments import Payments
from tests.cli.conftest import Run
from tests.paid.tools import allow


@pytest.fixture
def payments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Payments:
    monkeypatch.setenv(PAYMENTS, str(tmp_path / "p.sqlite"))
    return Payments()


def reserve(payments: Payments, usd: str = "0.5") -> str:
    return payments.reserve("i", allow(), "acme", "cloud", "generate", Decimal(usd))


def test_nothing_and_something(payments: Payments, run: Run) -> None:
    assert run("paid").out == "nothing was ever paid\n"
    name = reserve(payments)
    payments.settle(name, Decimal("0.25"))
    assert f"{name}  " in run("paid").out
    (row,) = run("paid", "--json").json["payments"]
    assert (row["state"], row["settled"], row["counted"]) == ("settled", 0.25, 0.25)
    assert "intent" not in row


def test_a_person_settles_what_nobody_knows(payments: Payments, run: Run) -> None:
    name = reserve(payments)
    payments.leave_unclear(name, "cut off")
    said = run("paid", "settle", name, "--usd", "0.3", "--json").json["payment"]
    assert (said["state"], said["counted"]) == ("settled", 0.3)
    assert run("paid", "settle", name, "--usd", "0").code == 0
    assert payments.find(name).counted == 0
    assert run("paid", "settle", "nobody", "--usd", "0").code == 2


def test_a_job_that_is_being_made_is_not_settled_by_hand(payments: Payments, run: Run) -> None:
    name = reserve(payments)
    payments.enter_job(name, "job")
    assert run("paid", "settle", name, "--usd", "0").code == 2


def test_doctor_says_whether_litellm_is_there(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "python"))
    findings = run("doctor", "--json", "-C", tmp_path).json["findings"]
    found = next(f for f in findings if f["name"] == "paid calls")
    assert found["ok"]
    assert "--install-litellm" in found["detail"]
    (tmp_path / "python").touch()
    assert find_python() == tmp_path / "python"
    assert "litellm==1.105.0" in requirements()


def test_no_network_means_none_for_litellm_either(run: Run, tmp_path: Path) -> None:
    text = '[project]\nname = "p"\n[policy]\nnetwork = "none"\n'
    (tmp_path / "rushes.toml").write_text(text)
    ran = run("doctor", "--install-litellm", "-C", tmp_path)
    assert (ran.code, "allows none" in ran.err) == (3, True)
