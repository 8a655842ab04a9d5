"""LiteLLM's environment, and what tests pay with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rushes.catalogue.allowance import Allowance
from rushes.catalogue.remote import Remote
from rushes.paid.client import LiteLLM
from rushes.paid.gateway import Gateway
from rushes.payments import Payments
from tests.paid.provider import Provider

PYTHON = Path(
    os.environ.get("RUSHES_LITELLM")
    or Path(__file__).resolve().parents[2] / ".venv-litellm" / "bin" / "python"
)
needs_litellm = pytest.mark.skipif(
    not PYTHON.is_file(), reason="LiteLLM's environment is not there: make .venv-litellm/.done"
)
HELLO = [{"role": "user", "content": "hello"}]


def allow(**more: Any) -> Allowance:
    base = Allowance("run", "project", "me", "fallback", ("acme",), ("prompt",), "1")
    return msgspec.structs.replace(base, **more)


def describe(provider: Provider, **more: Any) -> Remote:
    """A model of the provider's, at its prices."""
    said: dict[str, Any] = {
        "name": "cloud", "provider": "acme", "model": "gpt-x", "url": provider.url,
        "tasks": ("reason",), "usd_per_million_in": "1", "usd_per_million_out": "10",
        "retries": 2, "timeout_seconds": 20.0, "max_tokens": 50,
    }  # fmt: skip
    return Remote(**said | more)


def describe_video(provider: Provider, **more: Any) -> Remote:
    said: dict[str, Any] = {
        "model": "clip-1", "tasks": ("generate",), "usd_per_second": "0.10", "sizes": ("96x96",),
        "seconds": (1, 2, 4), "fps": 16.0, "sound": True,
    }  # fmt: skip
    return describe(provider, **said | more)


def open_gateway(
    payments: Payments, litellm: LiteLLM | None, allowance: Allowance | None = None
) -> Gateway:
    waited: list[float] = []
    return Gateway(payments, allowance or allow(), litellm, wait=waited.append, environment={})
