"""A thousand requests at once, through the real LiteLLM, to a provider that does what it likes."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from rushes.errors import RushesError
from rushes.paid.client import LiteLLM
from rushes.payments import Payments
from tests.paid.provider import start_provider
from tests.paid.tools import allow, describe, needs_litellm, open_gateway

pytestmark = [needs_litellm, pytest.mark.slow]
REQUESTS = 1000
SEED = 7
MOVES = ["ok"] * 12 + ["400", "429", "429", "503", "500", "cut", "cut-before", "nonsense",
                       "no-usage", "slow", "wrong-price"]  # fmt: skip
BUDGETS = {"per_run": "0.004", "per_day": "0.03", "per_project": "0.011", "per_key": "0.009"}


def test_never_over_budget_never_charged_twice_never_against_the_policy(
    payments: Payments, litellm: LiteLLM
) -> None:
    """The provider's own books decide: what it took up, it bills, whatever it then answered."""
    dice = random.Random(SEED)
    plan = [
        (
            uuid.UUID(int=dice.getrandbits(128)).hex,
            f"run-{dice.randrange(12)}", f"project-{dice.randrange(4)}", f"key-{dice.randrange(5)}",
            dice.random() < 0.1,  # one in ten may not be sent
        )
        for _ in range(REQUESTS)
    ]  # fmt: skip
    moves = {mark: [dice.choice(MOVES) for _ in range(4)] for mark, *_ in plan}
    gone: dict[str, int] = {}

    with start_provider(slow_seconds=1.0) as provider:

        def choose(body: bytes) -> str:
            mark = next(mark for mark in moves if mark.encode() in body)
            number = gone[mark] = gone.get(mark, -1) + 1
            move = moves[mark][min(number, 3)]
            # who claims too much is not paid on: let that be one model of six
            return "ok" if move == "wrong-price" and b'"liar"' not in body else move

        provider.choose = choose
        models = [f"gpt-{n}" for n in range(5)] + ["liar"]

        def ask(number: int) -> str:
            mark, run, project, key, forbidden = plan[number]
            send = () if forbidden else ("prompt",)
            allowance = allow(run=run, project=project, key=key, send=send, **BUDGETS)
            name = models[number % len(models)]
            remote = describe(provider, name=name, model=name, timeout_seconds=0.6, max_tokens=5)
            gateway = open_gateway(payments, litellm, allowance)
            gateway.health.succeed(remote.origin)  # no rests: all have to get through
            try:
                gateway.ask(remote, [{"role": "user", "content": mark}], "reason", mark)
            except RushesError as exc:
                return type(exc).__name__
            return "answered"

        with ThreadPoolExecutor(24) as pool:
            outcomes = Counter(pool.map(ask, range(REQUESTS)))

        bills, received = list(provider.bills), list(provider.received)

    assert sum(outcomes.values()) == REQUESTS
    assert min(outcomes[k] for k in ("answered", "BudgetRefused", "PolicyRefused")) > 20
    marks = {mark: (run, project, key, forbidden) for mark, run, project, key, forbidden in plan}
    billed: dict[str, Decimal] = {}
    for words, usd in bills:
        mark = next(m for m in marks if m in words)
        assert mark not in billed, "charged twice"
        billed[mark] = usd
    for _, body, _ in received:
        mark = next(m for m in marks if m.encode() in body)
        assert not marks[mark][3], "sent against the policy"
    for place, limit in enumerate(("per_run", "per_project", "per_key")):
        groups: dict[str, Decimal] = {}
        for mark, usd in billed.items():
            group = marks[mark][place]
            groups[group] = groups.get(group, Decimal(0)) + usd
        assert max(groups.values()) <= Decimal(BUDGETS[limit])
    total = sum(billed.values(), Decimal(0))
    assert total <= Decimal(BUDGETS["per_day"])
    assert total <= sum((row.counted for row in payments.list_payments()), Decimal(0))
