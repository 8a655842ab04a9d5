from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rushes.paid.client import LiteLLM
from rushes.paid.environment import VARIABLE
from rushes.payments import VARIABLE as PAYMENTS
from rushes.payments import Payments
from tests.paid.provider import Provider, make_clip, start_provider
from tests.paid.tools import PYTHON


@pytest.fixture(scope="session")
def litellm() -> Iterator[LiteLLM]:
    """The real one, in its environment."""
    client = LiteLLM(PYTHON)
    yield client
    client.close()


@pytest.fixture(autouse=True)
def _own_payments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PAYMENTS, str(tmp_path / "payments" / "payments.sqlite"))
    monkeypatch.setenv(VARIABLE, str(PYTHON))


@pytest.fixture
def payments() -> Payments:
    return Payments()


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds, with sound."""
    return make_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture
def provider(clip: bytes) -> Iterator[Provider]:
    with start_provider(clip=clip) as provider:
        yield provider
