"""For every test: no network, no store but the test's own, Hypothesis without surprises."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")  # the workers of xdist share the cores
os.environ.pop("RUSHES_STORE", None)

LOOPBACK = ("localhost", "127.", "::1")


class NetworkUsed(AssertionError):
    """A test reached for the network."""


def _is_local(sock: socket.socket, address: Any) -> bool:
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return True
    return str(address[0]).startswith(LOOPBACK)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    real = {name: getattr(socket.socket, name) for name in ("connect", "connect_ex")}

    def guard(name: str) -> Any:
        def connect(self: socket.socket, address: Any) -> Any:
            if not _is_local(self, address):
                raise NetworkUsed(f"a test connects to {address!r}")
            return real[name](self, address)

        return connect

    for name in real:
        monkeypatch.setattr(socket.socket, name, guard(name))


@pytest.fixture(autouse=True)
def _own_store(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.delenv("RUSHES_STORE", raising=False)
    payments = tmp_path_factory.getbasetemp() / "no-payments" / "payments.sqlite"
    monkeypatch.setenv("RUSHES_PAYMENTS", str(payments))


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder of this repository."""
    return Path(__file__).resolve().parents[1]
