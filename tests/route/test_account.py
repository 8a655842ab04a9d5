"""The ledger added up, and versions that became worse."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.ledger import HitRow, NodeRow, RunRow
from rushes.route.account import (
    By,
    Rows,
    account_for,
    pick_month,
    total_of,
)
from rushes.route.regress import find_regressions, score_interval

BYS: tuple[By, ...] = ("model", "project", "day", "key")


def make_run(id_: str, started_at: float = 0.0, ran: int = 1, **more: object) -> RunRow:
    row = {
        "id": id_, "started_at": started_at, "seconds": 1.0, "project": "p", "command": "make",
        "asked_by": "me", "rushes": "0", "machine": "m", "hits": 0, "ran": ran, "usd": 0.0,
        "exit_code": 0, **more,
    }  # fmt: skip
    return RunRow(**row)  # type: ignore[arg-type]


def make_node(run: str = "r", **more: object) -> NodeRow:
    row = {
        "run": run, "key": "k", "stage": "denoise", "model": "m", "shot": "s", "attempt": 0,
        "seed": 1, "started_at": 0.0, "seconds": 2.0, "predicted_peak_bytes": None,
        "peak_bytes": 0, "usd": 0.0, "resumed_step": None, "loads": "{}", "passed": None,
        "error": None, "device": "cuda:0", "version": "v1", **more,
    }  # fmt: skip
    return NodeRow(**row)  # type: ignore[arg-type]


RUNS = [
    make_run("r1", 1_764_000_000.0),
    make_run("r2", 1_764_200_000.0, project="q", asked_by="you"),
    make_run("r3", 1_764_300_000.0, ran=0),
]
nodes = st.lists(
    st.builds(
        make_node,
        run=st.sampled_from(["r1", "r2"]),
        stage=st.sampled_from(["denoise", "ask", "check", "export", "decode_video"]),
        model=st.sampled_from(["sprite", "ltx-2", "veo-3.1", None]),
        shot=st.sampled_from(["a", "b"]),
        attempt=st.integers(0, 2),
        seconds=st.floats(0, 100),
        usd=st.sampled_from([0.0, 0.1, 0.07]),
        device=st.sampled_from(["cuda:0", "cpu", ""]),
        passed=st.sampled_from([None, True, False]),
        error=st.sampled_from([None, None, "WorkerDied: x"]),
    ),
    max_size=30,
)
hits = st.lists(
    st.builds(
        HitRow,
        run=st.sampled_from(["r1", "r2", "r3"]),
        stage=st.just("denoise"),
        model=st.sampled_from(["sprite", None]),
        device=st.sampled_from(["cuda:0", ""]),
        nodes=st.integers(1, 5),
        seconds=st.floats(0, 100),
    ),
    max_size=8,
)


@given(nodes, hits)
def test_groups_add_up_to_the_same_totals(rows: list[NodeRow], found: list[HitRow]) -> None:
    ledger = Rows(RUNS, rows, found)
    totals = [total_of(account_for(ledger, by, ["veo-3.1"])) for by in BYS]
    fine = [row for row in rows if row.error is None]
    for total in totals:
        assert total.seconds == pytest.approx(sum(row.seconds for row in fine))
        assert total.gpu_seconds <= total.seconds + 1e-9
        assert total.usd == sum((Decimal(str(row.usd)) for row in rows), Decimal(0))
        assert total.failures == len(rows) - len(fine)
        assert (total.takes, total.rerolls) == (totals[0].takes, totals[0].rerolls)
        assert total.open_takes <= total.takes
        assert total.saved_seconds == pytest.approx(
            sum(hit.seconds for hit in found if hit.run != "r3")
        )
    assert all(total.runs == {"r1", "r2", "r3"} for total in totals[1:])


def test_takes_rerolls_and_what_is_open() -> None:
    rows = [
        make_node("r1"), make_node("r1", key="k2"),  # two windows of one take
        make_node("r1", attempt=1), make_node("r1", attempt=2, error="x"),
        make_node("r2", model="veo-3.1", stage="generate", usd=0.4),
        make_node("r2", model="reader", stage="ask", attempt=1),
    ]  # fmt: skip
    total = total_of(account_for(Rows(RUNS, rows, []), "model", ["veo-3.1"]))
    assert (total.takes, total.open_takes, total.rerolls, total.failures) == (4, 3, 1, 1)
    assert total.to_dict()["open_share"] == 0.75
    assert total.usd == Decimal("0.4")


def test_groups_have_their_names() -> None:
    ledger = Rows(RUNS, [make_node("r1"), make_node("r2", model=None, stage="export")], [])
    names = {by: [account.name for account in account_for(ledger, by)] for by in BYS}
    assert names["model"] == ["(no model)", "m"]
    assert names["project"] == ["p", "q"]
    assert names["key"] == ["me", "you"]
    assert len(names["day"]) == len(set(names["day"])) == 3
    assert names["day"] == sorted(names["day"])


def test_a_month_is_a_month() -> None:
    now = 1_764_300_000.0  # in November 2025, wherever one is
    runs = [*RUNS, make_run("old", now - 40 * 86400)]
    ledger = Rows(runs, [make_node("old"), make_node("r1")], [])
    month = pick_month(ledger, now)
    assert {run.id for run in month.runs} == {"r1", "r2", "r3"}
    assert [node.run for node in month.nodes] == ["r1"]


def versions(*groups: tuple[str, list[float], str]) -> list[NodeRow]:
    rows = []
    for number, (version, seconds, shot) in enumerate(groups):
        for place, value in enumerate(seconds):
            rows.append(
                make_node(
                    version=version, shot=shot, seconds=value, started_at=number * 100.0 + place
                )
            )
    return rows


def test_a_slower_version_is_found_shot_by_shot() -> None:
    rows = versions(
        ("v1", [10, 11, 10.5, 10], "short"), ("v1", [40, 41, 42], "long"),
        ("v2", [14, 14.5, 15], "short"), ("v2", [57, 58], "long"),
    )  # fmt: skip
    (found,) = find_regressions(rows)
    assert (found.what, found.model, found.version) == ("slower", "m", "v2")
    assert found.after == pytest.approx(1.4, abs=0.05)
    assert found.since == 200.0


@pytest.mark.parametrize(
    "rows",
    [
        versions(("v1", [10, 11, 10], "s"), ("v2", [10, 11, 10], "s")),
        versions(("v1", [10, 11, 10], "short"), ("v2", [50, 51, 52], "long")),
        versions(("v1", [10, 11, 10], "s"), ("v2", [30, 30], "s")),
        versions(("v1", [10, 20, 10, 19], "s"), ("v2", [18, 18, 18], "s")),
        versions(("", [10, 11, 10], "s"), ("v2", [30, 30, 30], "s")),
        versions(("v1", [30, 30, 30], "s"), ("v2", [10, 10, 10], "s")),
    ],
    ids=["same", "other shots", "too few", "within the noise", "not recorded", "faster"],
)
def test_no_regression(rows: list[NodeRow]) -> None:
    assert find_regressions(rows) == []


def test_another_device_is_not_compared() -> None:
    rows = versions(("v1", [10, 10, 10], "s")) + [
        make_node(version="v2", device="cpu", seconds=99.0, started_at=500.0 + n) for n in range(4)
    ]
    assert find_regressions(rows) == []


def test_more_failures_only_where_chance_does_not_explain_them() -> None:
    good = [make_node(version="v1", started_at=float(n)) for n in range(30)]
    few = [make_node(version="v2", started_at=100.0, error="x")]
    assert find_regressions(good + few) == []
    many = [make_node(version="v2", started_at=100.0 + n, error="x") for n in range(6)]
    (found,) = find_regressions(good + many)
    assert (found.what, found.before, found.after) == ("more failures", 0.0, 1.0)


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share(case: tuple[int, int]) -> None:
    bad, total = case
    low, high = score_interval(bad, total)
    assert 0 <= low <= bad / total + 1e-12
    assert bad / total - 1e-12 <= high <= 1


def test_csv_is_read_back() -> None:
    from rushes.cli.account_tables import csv_of_account

    ledger = Rows(RUNS, [make_node("r1", model='odd, "name"')], [])
    rows = list(csv.DictReader(io.StringIO(csv_of_account(ledger, "model"))))
    assert [row["name"] for row in rows] == ['odd, "name"']
    assert float(rows[0]["seconds"]) == 2.0
