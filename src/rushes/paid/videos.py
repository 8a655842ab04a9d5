"""Clips that a provider makes: a job is begun once, and whoever comes later goes on with it."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from rushes.catalogue.remote import Remote
from rushes.errors import PaymentUnclear, ServerError, ServerUnreachable, StageFailed
from rushes.paid.consent import check_consent
from rushes.paid.gateway import Gateway, no_price
from rushes.payments import Payment
from rushes.store.locks import hold_lock

FIRST_LOOK_SECONDS = 0.25
LONGEST_LOOK_SECONDS = 10.0
LOST = (404, 410)


class VideoRequest(msgspec.Struct, frozen=True):
    """One clip; ``intent`` is the same for the same work, whoever asks for it."""

    intent: str
    prompt: str
    seconds: float
    size: str
    image: Path | None = None


def make_video(
    gateway: Gateway,
    remote: Remote,
    request: VideoRequest,
    path: Path,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Payment, Decimal]:
    """Have a clip made and write it to ``path``; a job that was begun before is gone on with.

    Returns:
        The payment, and what of it was settled now: 0 where an earlier run did.

    Raises:
        PolicyRefused, BudgetRefused: nothing was sent.
        PaymentUnclear: a job may have been begun, and its name is not known.
        StageFailed: the provider made nothing.
    """
    leaves = ("prompt",) if request.image is None else ("prompt", "frames")
    check_consent(remote, gateway.allowance, leaves)
    if remote.price_clip(request.seconds) is None:
        raise no_price(remote)
    with hold_lock(gateway.payments.path.parent / "intents" / f"{request.intent[:32]}.lock"):
        payment = gateway.payments.find_intent(request.intent)
        if payment is not None and payment.state == "settled":
            if payment.job and _fetch(gateway, remote, payment.job, path, lost_is_error=False):
                return payment, Decimal(0)
            payment = None
        if payment is None:
            payment = _begin(gateway, remote, request)
        elif not payment.job:
            raise _unclear(remote, payment)
        said = _await_job(gateway, remote, payment, report)
        _fetch(gateway, remote, payment.job, path, lost_is_error=True)
        return _settle(gateway, remote, payment, said)


def _begin(gateway: Gateway, remote: Remote, request: VideoRequest) -> Payment:
    """Enter the intent, then send it, then enter the job's name."""
    bound = remote.price_clip(request.seconds)
    assert bound is not None
    image = None if request.image is None else base64.b64encode(request.image.read_bytes()).decode()
    sent = gateway.write_request(
        remote, "begin_video", prompt=request.prompt, size=request.size, image=image,
        length=f"{request.seconds:g}",
    )  # fmt: skip
    gateway.health.require(remote.origin)
    name = gateway.reserve(remote, "generate", request.intent, bound)
    said = gateway.call(remote, sent, name)
    job = said.get("job")
    if not isinstance(job, str) or not job:
        gateway.payments.leave_unclear(name, "it says no name of its job")
        raise _unclear(remote, gateway.payments.find(name))
    gateway.payments.enter_job(name, job)
    return gateway.payments.find(name)


def _unclear(remote: Remote, payment: Payment) -> PaymentUnclear:
    return PaymentUnclear(
        f"{remote.name} was sent this before, and whether it began is not known",
        where=f"payment {payment.id}",
        hint="look at your account there; then, to let it be sent again: rushes paid settle "
        f"{payment.id} --usd N (0 for nothing)",
    )


def _await_job(
    gateway: Gateway, remote: Remote, payment: Payment, report: Callable[[int, int], None]
) -> dict[str, Any]:
    """Look at the job until it is done; that costs nothing, and goes on after any fault."""
    end = time.monotonic() + remote.timeout_seconds
    pause, faults = FIRST_LOOK_SECONDS, 0
    while True:
        said = gateway.send(remote, gateway.write_request(remote, "look_at_video", job=payment.job))
        faults = faults + 1 if "fault" in said else 0
        if said.get("status") in LOST and "fault" in said:
            gateway.payments.leave_unclear(payment.id, "its job is gone")
            raise _unclear(remote, payment)
        if "fault" not in said:
            if said["status"] == "completed":
                return said
            if said["status"] in ("failed", "cancelled"):
                gateway.payments.release(payment.id, "the provider made nothing")
                raise StageFailed(
                    f"{remote.name} made no clip: {_read_error(said)}; nothing was paid",
                    hint="change the prompt, or take another model",
                )
            report(int(said.get("progress") or 0), 100)
        if time.monotonic() > end or faults > remote.retries:
            raise ServerUnreachable(
                f"{remote.name} has not finished its job"
                + (f": {said['message']}" if "fault" in said else ""),
                where=f"payment {payment.id}",
                hint="run the same command again: it goes on with the job, and pays nothing more",
            )
        gateway.wait(pause)
        pause = min(pause * 1.5, LONGEST_LOOK_SECONDS)


def _read_error(said: dict[str, Any]) -> str:
    error = said.get("error")
    return str(error.get("message") if isinstance(error, dict) else error or "it says no reason")


def _fetch(gateway: Gateway, remote: Remote, job: str, path: Path, *, lost_is_error: bool) -> bool:
    """Whether the clip came; fetching costs nothing, and is done again after any fault."""
    said: dict[str, Any] = {}
    for number in range(remote.retries + 1):
        sent = gateway.write_request(remote, "fetch_video", job=job, path=str(path))
        said = gateway.send(remote, sent)
        if "fault" not in said and said["nbytes"]:
            return True
        if said.get("status") in LOST:
            break
        gateway.wait(min(FIRST_LOOK_SECONDS * 2**number, LONGEST_LOOK_SECONDS))
    if not lost_is_error and said.get("status") in LOST:
        return False
    raise ServerError(
        f"{remote.name} made the clip and does not give it: {said.get('message', 'it is empty')}",
        hint="run the same command again: it fetches the clip, and pays nothing more",
    )


def _settle(
    gateway: Gateway, remote: Remote, payment: Payment, said: dict[str, Any]
) -> tuple[Payment, Decimal]:
    """What was reserved is what it costs, unless the provider says it made a longer clip."""
    claimed = None
    try:
        longer = remote.price_clip(float(said.get("seconds") or 0))
    except (TypeError, ValueError):
        longer = None
    if longer is not None and longer > payment.reserved:
        claimed = longer
    gateway.payments.settle(payment.id, payment.reserved, claimed)
    return gateway.payments.find(payment.id), payment.reserved
