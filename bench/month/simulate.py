"""A month of 10,000 requests under five policies: cost, latency, share of open models.

The clock is simulated, so that the figures are the same on any machine. Reasons and budgets are
not: `route.reasons` and `payments` decide, as for requests that run. What is
assumed (times of work, prices of words, how often a take fails) stands in the trace and below.

`.venv/bin/python -m bench.month.simulate` writes results/month.json and results/month.svg.
"""

from __future__ import annotations

import heapq
import json
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from html import escape
from pathlib import Path
from statistics import median

from bench.month.trace import DAYS, SEED, Wanted, read_trace
from rushes.catalogue.allowance import Allowance
from rushes.catalogue.prices import read_prices
from rushes.errors import BudgetRefused
from rushes.payments import Payments
from rushes.route.reasons import Circumstance, list_reasons
from rushes.spec.tables import PaidAfterTable

RESULTS = Path(__file__).with_name("results")
CARDS = 1
"""Of one's own, rented for the whole month; clips and words take turns on it."""
GPU_PER_HOUR = Decimal(2)
CLIP_PER_SECOND = read_prices()["veo-3.1-fast"].amount
WORDS_PER_MILLION = (Decimal("2.50"), Decimal("10"))
"""In and out: an assumption, of the order of what large closed models cost."""
COMPUTER = "computer-use"


@dataclass(frozen=True, slots=True)
class Policy:
    """One of five."""

    name: str
    about: str
    after: PaidAfterTable | None
    budget: Decimal
    open_first: bool = True


POLICIES = [
    Policy("never", "open models only", None, Decimal(0)),
    Policy("capability", "paid where no open model can, and computer use",
           PaidAfterTable(classes=[COMPUTER]), Decimal(500)),
    Policy("quality", "also after two takes that failed",
           PaidAfterTable(qa_failures=2, classes=[COMPUTER]), Decimal(500)),
    Policy("queue", "also where one would wait more than two minutes",
           PaidAfterTable(qa_failures=2, queue_seconds=120, classes=[COMPUTER]), Decimal(500)),
    Policy("all paid", "no card of one's own", None, Decimal(10**6), open_first=False),
]  # fmt: skip


@dataclass(slots=True)
class Cards:
    """Cards that work one request after the other, each when it is free."""

    free_at: list[float]

    def wait_from(self, at: float) -> float:
        """Seconds until one is free."""
        return max(self.free_at[0] - at, 0.0)

    def work(self, at: float, seconds: float) -> float:
        """When it is done."""
        start = max(heapq.heappop(self.free_at), at)
        heapq.heappush(self.free_at, start + seconds)
        return start + seconds


@dataclass(slots=True)
class Month:
    """What came of it."""

    policy: Policy
    paid_usd: Decimal = Decimal(0)
    latencies: list[float] = field(default_factory=list)
    by: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def to_dict(self) -> dict[str, object]:
        own = CARDS * GPU_PER_HOUR * DAYS * 24 if self.policy.open_first else 0
        done = sum(self.by[kind] for kind in ("open", "paid"))
        ordered = sorted(self.latencies)
        return {
            "policy": self.policy.name,
            "about": self.policy.about,
            "budget_usd": float(self.policy.budget),
            "paid_usd": float(round(self.paid_usd, 2)),
            "cards_usd": float(own),
            "usd": float(round(self.paid_usd + own, 2)),
            "usd_per_request": float(round((self.paid_usd + own) / done, 4)),
            "done": done,
            "not_done": self.by["not done"],
            "over_budget": self.by["over budget"],
            "open_share": round(self.by["open"] / done, 4),
            "latency_median_seconds": round(median(ordered), 1),
            "latency_p95_seconds": round(ordered[int(0.95 * len(ordered))], 1),
            "reasons": dict(sorted(self.reasons.items())),
        }


def price(wanted: Wanted) -> Decimal:
    """USD of a request where it is paid."""
    if wanted.task == "generate":
        return CLIP_PER_SECOND * wanted.clip_seconds
    each = WORDS_PER_MILLION
    return (each[0] * wanted.tokens_in + each[1] * wanted.tokens_out) / 1_000_000


def run_month(policy: Policy, trace: list[Wanted], payments: Payments) -> Month:
    """Every request, in order of arrival."""
    month = Month(policy)
    cards = Cards([0.0] * CARDS)
    allowance = Allowance("month", policy.name, "me", "fallback", ("acme",), ("prompt",),
                          per_run=f"{policy.budget:f}")  # fmt: skip
    for number, wanted in enumerate(trace):
        ended, kind = serve(month, wanted, cards, payments, allowance, str(number))
        month.by[kind] += 1
        if kind in ("open", "paid"):
            month.latencies.append(ended - wanted.at)
    return month


def serve(
    month: Month,
    wanted: Wanted,
    cards: Cards,
    payments: Payments,
    allowance: Allowance,
    name: str,
) -> tuple[float, str]:
    """When a request was done, and by whom."""
    policy = month.policy
    at, failures = wanted.at, 0
    while True:
        if not policy.open_first:
            reason = "stated"
        elif policy.after is None:
            reason = ""
        else:
            now = Circumstance(wanted.capable, failures, cards.wait_from(at), wanted.task_class)
            found = [r.kind for r in list_reasons(policy.after, now) if r.holds]
            reason = found[0] if found else ""
        if reason:
            if pay(month, wanted, payments, allowance, name):
                month.reasons[reason] += 1
                return at + wanted.paid_seconds, "paid"
            if not wanted.capable:
                return at, "over budget"
        if not wanted.capable:
            return at, "not done"
        at = cards.work(at, wanted.open_seconds)
        if failures >= wanted.failures:
            return at, "open"
        failures += 1


def pay(month: Month, wanted: Wanted, payments: Payments, allowance: Allowance, name: str) -> bool:
    """Whether the budget had so much left."""
    usd = price(wanted)
    try:
        payment = payments.reserve(name, allowance, "acme", "m", wanted.task, usd, now=wanted.at)
    except BudgetRefused:
        return False
    payments.settle(payment, usd)
    month.paid_usd += usd
    return True


def draw(rows: list[dict[str, object]]) -> str:
    """Cost and the latency of nineteen in twenty, a bar each, for every policy."""
    width, height, left = 720, 60 + 64 * len(rows), 110
    most_usd = max(float(str(row["usd"])) for row in rows)
    most_wait = max(float(str(row["latency_p95_seconds"])) for row in rows)
    body = []
    for number, row in enumerate(rows):
        y = 50 + 64 * number
        for shift, key, most, colour, unit in (
            (0, "usd", most_usd, "#1f5fa8", "USD"),
            (20, "latency_p95_seconds", most_wait, "#b3541e", "s"),
        ):
            value = float(str(row[key]))
            length = (width - left - 170) * value / most
            body.append(f'<rect x="{left}" y="{y + shift}" width="{length:.1f}" height="16" '
                        f'fill="{colour}"/><text x="{left + length + 6:.1f}" y="{y + shift + 13}">'
                        f'{value:,.0f} {unit}</text>')  # fmt: skip
        share = f"{float(str(row['open_share'])):.0%} open, {row['not_done']} not done"
        body.append(f'<text x="8" y="{y + 14}" font-weight="bold">{escape(str(row["policy"]))}'
                    f'</text><text x="8" y="{y + 52}" fill="#555">{share}</text>')  # fmt: skip
    title = "A month of 10,000 requests: cost, and within what 95 % were done"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="12"><title>{title}</title>'
        f'<rect width="{width}" height="{height}" fill="#fff"/>'
        f'<text x="8" y="24" font-size="15">{title}</text>{"".join(body)}</svg>\n'
    )


def main() -> None:
    """Run all five and write what came of it."""
    trace = read_trace()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as tmp:
        rows = [
            run_month(policy, trace, Payments(Path(tmp) / f"{number}.sqlite")).to_dict()
            for number, policy in enumerate(POLICIES)
        ]
    document = {
        "seed": SEED, "requests": len(trace), "clock": "simulated", "cards": CARDS,
        "gpu_per_hour_usd": float(GPU_PER_HOUR), "clip_per_second_usd": float(CLIP_PER_SECOND),
        "words_per_million_usd": [float(usd) for usd in WORDS_PER_MILLION], "policies": rows,
    }  # fmt: skip
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "month.json").write_text(json.dumps(document, indent=1) + "\n")
    (RESULTS / "month.svg").write_text(draw(rows))
    for row in rows:
        print(row)


if __name__ == "__main__":
    main()
