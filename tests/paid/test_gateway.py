"""One paid request through the real LiteLLM to a provider on loopback that misbehaves on order."""

from __future__ import annotations

import json
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rushes.catalogue.allowance import Allowance
from rushes.errors import (
    BudgetRefused,
    PaymentUnclear,
    PolicyRefused,
    ServerError,
    ServerUnreachable,
    UsageError,
)
from rushes.paid import environment
from rushes.paid.client import QUIET, LiteLLM
from rushes.paid.health import Health
from rushes.payments import Payments
from tests.paid.provider import Provider
from tests.paid.tools import HELLO, PYTHON, allow, describe, needs_litellm, open_gateway

pytestmark = needs_litellm


def test_an_answer_costs_what_its_tokens_cost(
    provider: Provider, payments: Payments, litellm: LiteLLM
) -> None:
    said = open_gateway(payments, litellm).ask(describe(provider), HELLO, "reason", "i")
    assert said.text == "an answer"
    assert said.usd == provider.total == payments.find(said.payment).settled
    assert said.usd == Decimal(said.tokens_in + 10 * said.tokens_out) / 1_000_000
    path, body, head = provider.received[0]
    assert path == "/v1/chat/completions"
    assert json.loads(body)["messages"] == HELLO
    assert head["Authorization"] == "Bearer none"


@pytest.mark.parametrize("moves", [["429"], ["503", "429"]])
def test_who_is_busy_is_asked_again_and_paid_once(
    provider: Provider, payments: Payments, litellm: LiteLLM, moves: list[str]
) -> None:
    provider.moves = list(moves)
    said = open_gateway(payments, litellm).ask(describe(provider), HELLO, "reason", "i")
    assert len(provider.received) == len(moves) + 1
    assert len(provider.bills) == len(payments.list_payments()) == 1
    assert provider.total == said.usd


@pytest.mark.parametrize(
    ("moves", "error", "state", "sent"),
    [
        (["400"], ServerError, "released", 1),
        (["429", "429", "429"], ServerError, "released", 3),
        (["500"], PaymentUnclear, "unclear", 1),
        (["cut"], PaymentUnclear, "unclear", 1),
        (["cut-before"], PaymentUnclear, "unclear", 1),
        (["nonsense"], PaymentUnclear, "unclear", 1),
        (["slow"], PaymentUnclear, "unclear", 1),
    ],
)
def test_what_may_have_been_taken_up_is_never_sent_again(
    provider: Provider,
    payments: Payments,
    litellm: LiteLLM,
    moves: list[str],
    error: type[Exception],
    state: str,
    sent: int,
) -> None:
    provider.moves, provider.slow_seconds = list(moves), 1.0
    remote = describe(provider, timeout_seconds=0.4)
    with pytest.raises(error):
        open_gateway(payments, litellm).ask(remote, HELLO, "reason", "i")
    (payment,) = payments.list_payments()
    assert (payment.state, len(provider.received)) == (state, sent)
    assert payment.counted >= provider.total  # what nobody knows counts as if it were all taken


def test_nobody_is_there(payments: Payments, litellm: LiteLLM) -> None:
    remote = describe(Provider("http://127.0.0.1:9/v1"))
    with pytest.raises(ServerUnreachable, match="nothing was paid"):
        open_gateway(payments, litellm).ask(remote, HELLO, "reason", "i")
    assert payments.list_payments()[0].state == "released"


def test_without_usage_all_that_was_reserved_counts(
    provider: Provider, payments: Payments, litellm: LiteLLM
) -> None:
    provider.moves = ["no-usage"]
    said = open_gateway(payments, litellm).ask(describe(provider), HELLO, "reason", "i")
    assert said.usd == payments.find(said.payment).reserved > provider.total


def test_a_claim_beyond_the_price_ends_payments_to_that_model(
    provider: Provider, payments: Payments, litellm: LiteLLM
) -> None:
    provider.moves = ["wrong-price"]
    gateway = open_gateway(payments, litellm)
    said = gateway.ask(describe(provider), HELLO, "reason", "i")
    payment = payments.find(said.payment)
    assert payment.claimed is not None
    assert payment.claimed > payment.reserved == said.usd
    with pytest.raises(BudgetRefused, match="claims more"):
        gateway.ask(describe(provider), HELLO, "reason", "i")
    assert len(provider.received) == 1
    payments.settle(payment.id, payment.reserved)
    assert gateway.ask(describe(provider), HELLO, "reason", "i").text


@pytest.mark.parametrize(
    ("allowance", "key"),
    [
        (allow(paid="never"), "policy.paid"),
        (allow(providers=("other",)), "policy.providers"),
        (allow(send=()), "policy.send"),
        (allow(per_run="0.000001"), "policy.budget_usd"),
        (allow(per_day="0"), "policy.budget_day_usd"),
        (allow(per_project="0"), "policy.budget_project_usd"),
        (allow(per_key="0"), "policy.budget_key_usd"),
    ],
)
def test_not_a_byte_is_sent_against_the_policy(
    provider: Provider, payments: Payments, litellm: LiteLLM, allowance: Allowance, key: str
) -> None:
    with pytest.raises((PolicyRefused, BudgetRefused)) as caught:
        open_gateway(payments, litellm, allowance).ask(describe(provider), HELLO, "reason", "i")
    assert caught.value.where == key
    assert (provider.connections, provider.received) == (0, [])


def test_pictures_need_a_leave_of_their_own(
    provider: Provider, payments: Payments, litellm: LiteLLM
) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    message: list[dict[str, Any]] = [{"role": "user", "content": [picture]}]
    with pytest.raises(PolicyRefused, match="frames"):
        open_gateway(payments, litellm).ask(describe(provider), message, "understand", "i")
    assert provider.connections == 0


def test_a_token_is_read_and_told_to_nobody_else(
    provider: Provider, payments: Payments, litellm: LiteLLM
) -> None:
    gateway = open_gateway(payments, litellm)
    remote = describe(provider, key_env="ACME_KEY")
    with pytest.raises(UsageError, match="ACME_KEY"):
        gateway.ask(remote, HELLO, "reason", "i")
    gateway.environment = {"ACME_KEY": "s3cret"}
    provider.moves = ["400"]
    with pytest.raises(ServerError) as caught:
        gateway.ask(remote, HELLO, "reason", "i")
    assert provider.received[0][2]["Authorization"] == "Bearer s3cret"
    assert "s3cret" not in str(caught.value)
    assert b"s3cret" not in payments.path.read_bytes()


SCRIPT = """
import json, socket, sys
sys.path.insert(0, sys.argv[1])
import litellm_worker as worker
seen = set()
def watch(event, args):
    if event == "socket.connect" and isinstance(args[1], tuple):
        seen.add(args[1][0])
    if event == "socket.getaddrinfo":
        seen.add(args[0])
sys.addaudithook(watch)
sys.addaudithook(worker.guard)
request = {"operation": "chat", "protocol": "openai", "model": "m", "url": sys.argv[2], "token": "",
           "seconds": 5, "messages": [{"role": "user", "content": "hello"}], "max_tokens": 5}
said = worker.run_request(request)
refused = []
for place in (("example.org", 80), ("10.1.2.3", 80)):
    try:
        socket.create_connection(place, 1)
    except PermissionError as exc:
        refused.append(str(exc))
print(json.dumps([said["text"], sorted(map(str, seen)), refused]))
"""


def test_the_process_reaches_nobody_that_no_request_names(provider: Provider) -> None:
    """LiteLLM connects to the provider alone; what else would be reached is refused on the way."""
    folder = Path(environment.__file__).parent
    done = subprocess.run(
        [str(PYTHON), "-I", "-c", SCRIPT, str(folder), provider.url],
        capture_output=True,
        text=True,
        check=False,
        env=QUIET,
    )
    text, seen, refused = json.loads(done.stdout)
    assert text == "an answer"
    assert set(seen) <= {"127.0.0.1", "example.org", "10.1.2.3"}
    assert refused == ["no request names example.org", "no request names 10.1.2.3"]


def test_an_endpoint_that_fails_is_left_alone_and_tried_again(
    provider: Provider, payments: Payments, litellm: LiteLLM
) -> None:
    gateway, remote = open_gateway(payments, litellm), describe(provider, retries=0)
    provider.moves = ["500"] * 5
    for _ in range(5):
        with pytest.raises(PaymentUnclear):
            gateway.ask(remote, HELLO, "reason", "i")
    with pytest.raises(ServerUnreachable, match="left alone"):
        gateway.ask(remote, HELLO, "reason", "i")
    assert len(provider.received) == 5
    later = Health(payments, clock=lambda: 4e9)
    later.require(remote.origin)
    later.succeed(remote.origin)
    assert gateway.ask(remote, HELLO, "reason", "i").text
