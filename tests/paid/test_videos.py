"""Clips of a provider: a job is begun once, whatever happens on the way, and gone on with."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rushes.catalogue.allowance import Allowance
from rushes.errors import (
    BudgetRefused,
    PaymentUnclear,
    PolicyRefused,
    ServerError,
    ServerUnreachable,
    StageFailed,
)
from rushes.paid.client import LiteLLM
from rushes.paid.videos import VideoRequest, make_video
from rushes.payments import Payment, Payments
from tests.paid.provider import Provider
from tests.paid.tools import allow, describe_video, needs_litellm, open_gateway

pytestmark = needs_litellm
REQUEST = VideoRequest("intent", "a red ball", 2.0, "96x96")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clip.mp4"


def make(
    provider: Provider,
    payments: Payments,
    litellm: LiteLLM,
    path: Path,
    allowance: Allowance | None = None,
    request: VideoRequest = REQUEST,
    **more: Any,
) -> tuple[Payment, Decimal]:
    gateway = open_gateway(payments, litellm, allowance)
    return make_video(gateway, describe_video(provider, **more), request, path)


def creations(provider: Provider) -> int:
    return sum(p.endswith("/videos") and bool(b) for p, b, _ in provider.received)


def test_a_clip(provider: Provider, payments: Payments, litellm: LiteLLM, path: Path) -> None:
    payment, usd = make(provider, payments, litellm, path)
    assert path.read_bytes() == provider.clip
    assert usd == payment.settled == provider.total == Decimal("0.2")
    (job,) = provider.jobs.values()
    said = {key: job.fields[key] for key in ("model", "prompt", "seconds", "size")}
    assert said == {"model": "clip-1", "prompt": "a red ball", "seconds": "2", "size": "96x96"}


@pytest.mark.parametrize("moves", [
    ["429", "ok"], ["ok", "500", "429", "cut"], ["ok", "ok", "ok", "500", "cut"],
])  # fmt: skip
def test_looking_and_fetching_go_on_after_faults(
    provider: Provider, payments: Payments, litellm: LiteLLM, path: Path, moves: list[str]
) -> None:
    provider.moves = list(moves)
    make(provider, payments, litellm, path, retries=4)
    assert path.read_bytes() == provider.clip
    assert len(provider.bills) == 1


@pytest.mark.parametrize("move", ["500", "cut", "cut-before"])
def test_a_job_that_may_have_begun_is_not_begun_again(
    provider: Provider, payments: Payments, litellm: LiteLLM, path: Path, move: str
) -> None:
    provider.moves = [move]
    for _ in range(2):
        with pytest.raises(PaymentUnclear):
            make(provider, payments, litellm, path)
    assert creations(provider) == 1
    (payment,) = payments.list_payments()
    payments.release(payment.id, "a person looked")
    make(provider, payments, litellm, path)
    assert creations(provider) == 2


def test_a_run_that_was_cut_off_goes_on_with_its_job(
    provider: Provider, payments: Payments, litellm: LiteLLM, path: Path
) -> None:
    provider.looks_until_done = 10**9
    with pytest.raises(ServerUnreachable, match="has not finished"):
        make(provider, payments, litellm, path, timeout_seconds=0.3)
    provider.looks_until_done = 0
    _, usd = make(provider, payments, litellm, path)
    assert (creations(provider), usd) == (1, Decimal("0.2"))
    path.unlink()
    _, usd = make(provider, payments, litellm, path)  # its result was lost: fetched, not paid
    assert (creations(provider), usd, path.read_bytes()) == (1, 0, provider.clip)


def test_a_clip_that_is_gone_there_is_paid_anew(
    provider: Provider, payments: Payments, litellm: LiteLLM, path: Path
) -> None:
    make(provider, payments, litellm, path)
    provider.jobs["job-0-gone"] = provider.jobs.pop("job-0")
    _, usd = make(provider, payments, litellm, path)
    assert (creations(provider), usd) == (2, Decimal("0.2"))


def test_what_is_not_made_is_not_paid(
    provider: Provider, payments: Payments, litellm: LiteLLM, path: Path
) -> None:
    provider.job_ends = "failed"
    with pytest.raises(StageFailed, match="it will not make that; nothing was paid"):
        make(provider, payments, litellm, path)
    assert payments.spent("run", "run") == 0


def test_a_clip_that_does_not_come_is_fetched_by_the_next_run(
    provider: Provider, payments: Payments, litellm: LiteLLM, path: Path
) -> None:
    provider.moves = ["ok", "ok", "ok", "500", "500"]
    with pytest.raises(ServerError, match="does not give it"):
        make(provider, payments, litellm, path, retries=1)
    make(provider, payments, litellm, path)
    assert len(provider.bills) == 1


def test_policy_comes_before_the_first_byte(
    provider: Provider, payments: Payments, litellm: LiteLLM, path: Path
) -> None:
    picture = msgspec.structs.replace(REQUEST, image=path)
    for allowance, request in [
        (allow(paid="never"), REQUEST),
        (allow(send=()), REQUEST),
        (allow(send=("prompt",)), picture),
        (allow(per_run="0.19"), REQUEST),
    ]:
        with pytest.raises((PolicyRefused, BudgetRefused)):
            make(provider, payments, litellm, path, allowance, request)
    assert provider.connections == 0


def test_a_first_picture_leaves_where_frames_may(
    provider: Provider, payments: Payments, litellm: LiteLLM, path: Path, tmp_path: Path
) -> None:
    image = tmp_path / "first.png"
    image.write_bytes(b"\x89PNG-not-really")
    request = msgspec.structs.replace(REQUEST, image=image)
    make(provider, payments, litellm, path, allow(send=("prompt", "frames")), request)
    assert b"not-really" in provider.bodies
