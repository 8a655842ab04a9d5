from __future__ import annotations

import os
import socket

import pytest

from tests.conftest import NetworkUsed


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("example.org", 443)])
def test_the_network_is_off(address: tuple[str, int]) -> None:
    with socket.socket() as sock:
        with pytest.raises(NetworkUsed):
            sock.connect(address)
        with pytest.raises(NetworkUsed):
            sock.connect_ex(address)


def test_loopback_is_on() -> None:
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())


def test_no_store_of_the_user_and_no_hub() -> None:
    assert "RUSHES_STORE" not in os.environ
    assert os.environ["HF_HUB_OFFLINE"] == "1"
