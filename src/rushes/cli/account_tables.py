"""Accounts as text, CSV and JSON."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from rushes.catalogue.hosted import read_hosted
from rushes.ledger import Ledger
from rushes.route.account import (
    COLUMNS,
    By,
    Rows,
    account_for,
    blend_costs,
    pick_month,
    total_of,
)
from rushes.route.regress import find_regressions

EVERYTHING = 10_000_000
CLAIMED = "70 to 80 %"
"""Of the work, that the field says goes to open models."""


def read_rows(ledger: Ledger | None) -> Rows:
    """All of a ledger; nothing of one that is not there."""
    if ledger is None:
        return Rows([], [], [])
    return Rows(ledger.runs(EVERYTHING), ledger.nodes(limit=EVERYTHING), ledger.hits())


def build_account(
    rows: Rows,
    by: By,
    now: float,
    gpu_per_hour: Decimal = Decimal(0),
    per_take: Decimal | None = None,
) -> dict[str, Any]:
    """The ``log --by --json`` document."""
    hosted = [model.name for model in read_hosted()]
    groups = account_for(rows, by, hosted)
    month = total_of(account_for(pick_month(rows, now), by, hosted)).to_dict()
    return {
        "by": by,
        "rows": [account.to_dict() for account in groups],
        "totals": total_of(groups).to_dict(),
        "month": {"month": time.strftime("%Y-%m", time.localtime(now)), **month},
        "blend": blend_costs(rows, hosted, gpu_per_hour, per_take).to_dict(),
        "regressions": [asdict(found) for found in find_regressions(rows.nodes)],
    }


def write_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """A table with a head; None is an empty cell."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def csv_of_account(rows: Rows, by: By) -> str:
    """One line a group; the totals are left to whoever reads it."""
    hosted = [model.name for model in read_hosted()]
    return write_csv(COLUMNS, [account.to_dict() for account in account_for(rows, by, hosted)])


def list_account(document: Mapping[str, Any]) -> list[str]:
    """The lines of ``log --by``."""
    width = max([8, *(len(row["name"]) for row in document["rows"])])
    lines = [f"{document['by']:<{width}} {'runs':>6} {'stages':>7} {'time':>10} {'on GPU':>10}"
             f" {'USD':>10} {'failed':>7} {'re-rolls':>9} {'saved':>10}"]  # fmt: skip
    for row in [*document["rows"], document["totals"]]:
        lines.append(
            f"{row['name']:<{width}} {row['runs']:>6} {row['nodes']:>7}"
            f" {show_hours(row['seconds']):>10} {show_hours(row['gpu_seconds']):>10}"
            f" {row['usd']:>10.2f} {row['failures'] + row['failed_checks']:>7}"
            f" {row['rerolls']:>9} {show_hours(row['saved_seconds']):>10}"
        )
    month, totals = document["month"], document["totals"]
    lines.append(
        f"in {month['month']} the cache saved {show_hours(month['saved_seconds'])} of computing, "
        f"{show_hours(month['saved_gpu_seconds'])} of it on GPUs (builds that computed something)"
    )
    if totals["takes"]:
        lines.append(f"open models did {totals['open_share']:.0%} of {totals['takes']} takes and "
                     f"answers; the field claims {CLAIMED}")  # fmt: skip
    lines += _say_blend(document["blend"])
    lines += [_say_regression(found) for found in document["regressions"]]
    return lines


def _say_blend(blend: Mapping[str, Any]) -> list[str]:
    """What a take cost, beside what it would have, had all been paid."""
    if not blend["takes"] or blend["all_paid_usd"] is None:
        return []
    return [
        f"a take cost {blend['usd_per_take']:.4f} USD; all paid, at "
        f"{blend['usd_per_paid_take']:.4f} each, they would have cost "
        f"{blend['all_paid_usd']:.2f}, {blend['saved_usd']:.2f} more"
    ]


def _say_regression(found: Mapping[str, Any]) -> str:
    day = time.strftime("%Y-%m-%d", time.localtime(found["since"]))
    where = f" on {found['device']}" if found["device"] else ""
    head = f"worse: {found['stage']} of {found['model']}{where} since {day} ({found['version']})"
    if found["what"] == "slower":
        return f"{head} takes {found['after']:.2f} times as long, shot by shot"
    if found["what"] == "worse scores":
        shares = f"{found['after']:.0%} of takes, before {found['before']:.0%}"
        return f"{head}: checks refuse {shares}"
    return f"{head} fails in {found['after']:.0%} of cases, before in {found['before']:.0%}"


def show_hours(seconds: float) -> str:
    """A long time for people."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
