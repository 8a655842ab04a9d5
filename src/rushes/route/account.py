"""The ledger added up: by model, project, day, or who asked. Sums over groups are the totals."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from rushes.ledger import HitRow, NodeRow, RunRow

By = Literal["model", "project", "day", "key"]
TAKE_STAGES = ("denoise", "generate", "ask", "understand", "reason", "code")
"""Each of them once in a take that a model made, or in an answer that it gave."""

NO_MODEL = "(no model)"


@dataclass
class Account:
    """What a group used. Seconds are of computing; those of a GPU are among them.

    Args:
        runs: builds that had something to do with the group.
        nodes: stages that were computed.
        failures: stages that ended with an error, those that were tried again among them.
        failed_checks: takes that a check did not pass.
        rerolls: takes after a shot's first.
        takes: that models made, and ``open_takes`` of them by models with open weights.
        saved_seconds: what was stored already took so long when it was computed, counted in builds
            that computed something.
    """

    name: str
    runs: set[str] = field(default_factory=set)
    nodes: int = 0
    seconds: float = 0.0
    gpu_seconds: float = 0.0
    usd: Decimal = Decimal(0)
    failures: int = 0
    failed_checks: int = 0
    rerolls: int = 0
    takes: int = 0
    open_takes: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    saved_seconds: float = 0.0
    saved_gpu_seconds: float = 0.0

    def to_dict(self) -> dict[str, str | int | float | Decimal | None]:
        """For JSON and CSV."""
        return {
            "name": self.name,
            "runs": len(self.runs),
            "nodes": self.nodes,
            "seconds": round(self.seconds, 3),
            "gpu_seconds": round(self.gpu_seconds, 3),
            "usd": self.usd,
            "failures": self.failures,
            "failed_checks": self.failed_checks,
            "rerolls": self.rerolls,
            "takes": self.takes,
            "open_share": round(self.open_takes / self.takes, 4) if self.takes else None,
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "saved_seconds": round(self.saved_seconds, 3),
            "saved_gpu_seconds": round(self.saved_gpu_seconds, 3),
        }


COLUMNS = tuple(Account("").to_dict())


@dataclass(frozen=True, slots=True)
class Rows:
    """The ledger's rows."""

    runs: Sequence[RunRow]
    nodes: Sequence[NodeRow]
    hits: Sequence[HitRow]


def account_for(rows: Rows, by: By, paid: Iterable[str] = ()) -> list[Account]:
    """The groups, by name; of models and who asked the one that worked longest first.

    Args:
        paid: names of hosted models; all others count as open.
    """
    groups: dict[str, Account] = {}
    runs = {run.id: run for run in rows.runs}

    def group(run: str, model: str | None) -> Account:
        name = _name_group(by, runs.get(run), model)
        account = groups.setdefault(name, Account(name))
        account.runs.add(run)
        return account

    if by != "model":
        for run in rows.runs:
            group(run.id, None)
    hosted = frozenset(paid)
    for node in rows.nodes:
        _add_node(group(node.run, node.model), node)
    for take in _first_of_takes(rows.nodes):
        account = group(take.run, take.model)
        account.takes += 1
        account.open_takes += is_open(take, hosted)
        account.rerolls += take.attempt > 0 and take.stage in ("denoise", "generate")
    for hit in rows.hits:
        if _computed_something(runs.get(hit.run)):
            account = group(hit.run, hit.model)
            account.saved_seconds += hit.seconds
            account.saved_gpu_seconds += hit.seconds * is_gpu(hit.device)
    order: Callable[[Account], tuple[float, str]] = lambda a: (-a.seconds, a.name)  # noqa: E731
    if by == "day":
        return sorted(groups.values(), key=lambda a: a.name)
    return sorted(groups.values(), key=order)


def total_of(accounts: Iterable[Account]) -> Account:
    """All groups together."""
    total = Account("total")
    for account in accounts:
        total.runs |= account.runs
        for name in Account.__dataclass_fields__:
            if name not in ("name", "runs"):
                setattr(total, name, getattr(total, name) + getattr(account, name))
    return total


def pick_month(rows: Rows, now: float) -> Rows:
    """Those of the calendar month that ``now`` is in, by the local clock."""
    month = time.strftime("%Y-%m", time.localtime(now))
    runs = [r for r in rows.runs if time.strftime("%Y-%m", time.localtime(r.started_at)) == month]
    ids = {run.id for run in runs}
    return Rows(
        runs, [n for n in rows.nodes if n.run in ids], [h for h in rows.hits if h.run in ids]
    )


def is_gpu(device: str) -> bool:
    """Whether a node's ``device`` is one."""
    return device.startswith("cuda")


def _name_group(by: By, run: RunRow | None, model: str | None) -> str:
    if by == "model":
        return model or NO_MODEL
    if run is None:
        return "(unknown)"
    if by == "day":
        return time.strftime("%Y-%m-%d", time.localtime(run.started_at))
    return run.project if by == "project" else run.asked_by


def _add_node(account: Account, node: NodeRow) -> None:
    account.usd += Decimal(str(node.usd))
    account.tokens_in += node.tokens_in
    account.tokens_out += node.tokens_out
    if node.error is not None:
        account.failures += 1
        return
    account.nodes += 1
    account.seconds += node.seconds
    account.gpu_seconds += node.seconds * is_gpu(node.device)
    account.failed_checks += node.passed is False


def is_open(take: NodeRow, hosted: frozenset[str]) -> bool:
    """Whether an open model made a take: nobody was paid for it."""
    return take.model not in hosted and take.usd == 0 and not take.reason


@dataclass(frozen=True, slots=True)
class Blend:
    """What all takes cost, beside what they would have, had each been paid.

    Args:
        gpu_usd: of the hours on GPUs, at the rate that was stated.
        usd_per_paid_take: the mean of those that were paid, or what was stated; None if unknown.
    """

    takes: int
    open_share: float | None
    usd: Decimal
    gpu_usd: Decimal
    usd_per_paid_take: Decimal | None

    def to_dict(self) -> dict[str, Any]:
        """For JSON; what is not known is None."""
        whole = self.usd + self.gpu_usd
        every = self.usd_per_paid_take
        all_paid = None if every is None else every * self.takes
        return {
            "takes": self.takes,
            "open_share": self.open_share,
            "usd": self.usd,
            "gpu_usd": self.gpu_usd,
            "usd_per_take": round(whole / self.takes, 6) if self.takes else None,
            "usd_per_paid_take": None if every is None else round(every, 6),
            "all_paid_usd": None if all_paid is None else round(all_paid, 6),
            "saved_usd": None if all_paid is None else round(all_paid - whole, 6),
        }


def blend_costs(
    rows: Rows, hosted: Iterable[str], gpu_per_hour: Decimal, per_take: Decimal | None
) -> Blend:
    """The cost of a mix of open and paid models against all-paid."""
    names = frozenset(hosted)
    takes = _first_of_takes(rows.nodes)
    paid = [take for take in takes if not is_open(take, names)]
    gpu = sum((Decimal(str(n.seconds)) for n in rows.nodes if is_gpu(n.device)), Decimal(0))
    usd = sum((Decimal(str(node.usd)) for node in rows.nodes), Decimal(0))
    if per_take is None and paid:
        per_take = sum((Decimal(str(take.usd)) for take in paid), Decimal(0)) / len(paid)
    share = round(1 - len(paid) / len(takes), 4) if takes else None
    return Blend(len(takes), share, usd, round(gpu / 3600 * gpu_per_hour, 6), per_take)


def _first_of_takes(nodes: Iterable[NodeRow]) -> list[NodeRow]:
    """One node for each take that a model made: a long take has several denoises."""
    found: dict[tuple[str, str, int, str], NodeRow] = {}
    for node in nodes:
        if node.stage in TAKE_STAGES and node.model is not None and node.error is None:
            found.setdefault((node.run, node.shot, node.attempt, node.stage), node)
    return list(found.values())


def _computed_something(run: RunRow | None) -> bool:
    return run is not None and run.ran > 0
