"""The one door for what costs money: consent, a reservation, the call, and what it came to.

Sent again is only what was surely not taken up: a provider that was busy and said so, or that was
never reached. What may have been taken up is not sent again: its money stays reserved.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from rushes.catalogue.allowance import Allowance
from rushes.catalogue.remote import Remote
from rushes.errors import (
    PaymentUnclear,
    ServerError,
    ServerUnreachable,
    UsageError,
)
from rushes.paid.client import shared_client
from rushes.paid.consent import check_consent
from rushes.paid.health import Health
from rushes.payments import Payments, show_usd

BUSY = (429, 503, 529)
"""Answers by which a provider says that it did not begin."""


class Caller(Protocol):
    """What speaks to the provider: LiteLLM's process."""

    def call(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """The answer to a request."""


class PaidAnswer(msgspec.Struct, frozen=True):
    """What a model answered, and what that came to."""

    text: str
    model: str
    served: str
    tokens_in: int
    tokens_out: int
    usd: Decimal
    payment: str = ""


@dataclass(slots=True)
class Gateway:
    """The door.

    Args:
        wait: sleeps.
        environment: where tokens are.
    """

    payments: Payments
    allowance: Allowance
    caller: Caller | None = None
    wait: Callable[[float], None] = time.sleep
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @property
    def health(self) -> Health:
        """Of the endpoints."""
        return Health(self.payments)

    def ask(
        self,
        remote: Remote,
        messages: Sequence[Mapping[str, Any]],
        task: str,
        intent: str,
        max_tokens: int | None = None,
    ) -> PaidAnswer:
        """An answer to messages.

        Raises:
            PolicyRefused: the policy does not let it be paid, or sent.
            BudgetRefused: a budget has too little left.
            PaymentUnclear: it was sent, and nobody knows what became of it.
            ServerError: the provider refuses.
        """
        text_bytes, images = measure_messages(messages)
        check_consent(remote, self.allowance, ("prompt", "frames") if images else ("prompt",))
        asked = max_tokens or remote.max_tokens
        most = remote.bound_tokens(text_bytes, len(messages), images)
        bound = remote.price_tokens(most, asked)
        if bound is None:
            raise no_price(remote)
        request = self.write_request(remote, "chat", messages=list(messages), max_tokens=asked)
        self.health.require(remote.origin)
        payment = self.reserve(remote, task, intent, bound)
        said = self.call(remote, request, payment)
        tokens = _read_tokens(said)
        usd, claimed = _judge_claim(remote, tokens, bound)
        self.payments.settle(payment, usd, claimed, "" if tokens else "it says no tokens")
        text = said.get("text")
        if not isinstance(text, str) or not text.strip():
            raise ServerError(f"{remote.name} answers with no words, for {show_usd(usd)} USD")
        tokens = tokens or (most, asked)
        return PaidAnswer(text.strip(), remote.name, str(said.get("model") or ""), *tokens, usd,
                          payment)  # fmt: skip

    def reserve(self, remote: Remote, task: str, intent: str, usd: Decimal) -> str:
        """A payment for a remote."""
        return self.payments.reserve(
            intent, self.allowance, remote.provider, remote.name, task, usd
        )

    def write_request(self, remote: Remote, operation: str, **more: Any) -> dict[str, Any]:
        """What the process is told.

        Raises:
            UsageError: the remote's token is not there.
        """
        return {
            "operation": operation,
            "protocol": remote.protocol,
            "model": remote.model,
            "url": remote.url,
            "token": read_token(remote, self.environment),
            "seconds": remote.timeout_seconds,
            **more,
        }

    def call(self, remote: Remote, request: dict[str, Any], payment: str) -> dict[str, Any]:
        """Send what is paid for, and again only where it was not taken up."""
        from rushes.readers.http import choose_pause

        where = f"{remote.name} ({remote.origin})"
        for number in range(remote.retries + 1):
            said = self.send(remote, request)
            fault = said.get("fault")
            if fault is None:
                self.health.succeed(remote.origin)
                return said
            status = said.get("status", 0)
            again = fault == "unreachable" or (fault == "status" and status in BUSY)
            if again and number < remote.retries:
                self.wait(choose_pause(number))
                continue
            refused = fault == "status" and 400 <= status < 500
            if not refused or status == 429:
                self.health.fail(remote.origin)
            if again or refused:
                self.payments.release(payment, f"{fault} {status or ''}".strip())
                kind = ServerUnreachable if fault == "unreachable" else ServerError
                times = f", tried {number + 1} times" if number else ""
                raise kind(f"{where}: {said['message']}{times}; nothing was paid")
            break
        self.payments.leave_unclear(payment, str(said["message"]))
        raise PaymentUnclear(
            f"{where} failed after it was sent a request: {said['message']}",
            where=f"payment {payment}",
            hint="it may be paid, so it is not sent again; once you know: rushes paid settle "
            f"{payment} --usd N (0 for nothing)",
        )

    def send(self, remote: Remote, request: dict[str, Any]) -> dict[str, Any]:
        """One request, one answer."""
        if self.caller is None:
            self.caller = shared_client()
        return self.caller.call(request, remote.timeout_seconds)


def read_token(remote: Remote, environment: Mapping[str, str]) -> str:
    """The provider's token; "" where none is named.

    Raises:
        UsageError: its variable is not set.
    """
    if not remote.key_env:
        return ""
    token = environment.get(remote.key_env, "").strip()
    if not token or not token.isascii() or not token.isprintable():
        raise UsageError(
            f"the variable {remote.key_env} holds no token",
            where=f"remotes.{remote.name}.key_env",
            hint=f"export {remote.key_env}=…, the token of {remote.provider}",
        )
    return token


def measure_messages(messages: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """Bytes of words, and pictures, in messages."""
    text_bytes = images = 0
    for message in messages:
        content = message["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for part in parts:
            if part["type"] == "text":
                text_bytes += len(part["text"].encode())
            else:
                images += 1
    return text_bytes, images


def _read_tokens(said: Mapping[str, Any]) -> tuple[int, int] | None:
    """Tokens in and out as the provider counts them; None where that is nonsense."""
    found = said.get("tokens_in"), said.get("tokens_out")
    if all(isinstance(count, int) and 0 <= count < 10**12 for count in found) and any(found):
        return found  # type: ignore[return-value]
    return None


def _judge_claim(
    remote: Remote, tokens: tuple[int, int] | None, bound: Decimal
) -> tuple[Decimal, Decimal | None]:
    """USD that count, and what is claimed where that is more than can be."""
    usd = bound if tokens is None else remote.price_tokens(*tokens)
    assert usd is not None
    return (usd, None) if usd <= bound else (bound, usd)


def no_price(remote: Remote) -> UsageError:
    """What to say where nobody knows what it would cost."""
    return UsageError(
        f"{remote.name} has no price for this",
        where=f"remotes.{remote.name}",
        hint="a clip: usd_per_second or usd_per_item; words: usd_per_million_in and _out",
    )
