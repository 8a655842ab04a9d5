"""A pull that was ended in one process goes on in the next one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from huggingface_hub import constants

from rushes.catalogue.load import find_model
from rushes.errors import HubError
from rushes.hub import halves
from rushes.hub.halves import LEAST_BYTES
from rushes.hub.pull import pull_model
from tests.hub.conftest import WAN
from tests.hub.fake_hub import FakeHub

MODEL = find_model("wan-2.1-1.3b")
HALF = 3 * constants.DOWNLOAD_CHUNK_SIZE
"""The client writes in blocks of this size."""
NAME = "transformer/diffusion_pytorch_model-00001-of-00002.safetensors"


def quiet(text: str) -> None:
    pass


@pytest.fixture
def data(hub: FakeHub) -> bytes:
    """A file so large that its half is kept."""
    found = os.urandom(LEAST_BYTES + 12_000_000)
    hub.repos[WAN].files[NAME] = found
    return found


def ranges(hub: FakeHub) -> list[str | None]:
    return [r for method, path, r in hub.requests if path.endswith(NAME) and method == "GET"]


def find_half(cache: Path) -> Path | None:
    return next(cache.glob("models--*/blobs/*.rushes.incomplete"), None)


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_pull_goes_on_in_the_next_process(
    ending: signal.Signals, hub: FakeHub, data: bytes, cache: Path
) -> None:
    hub.repos[WAN].stall[NAME] = HALF + 1000
    env = {**os.environ, "HF_HOME": str(cache.parent), "HF_HUB_CACHE": str(cache),
           "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0", "HF_ENDPOINT": hub.url}  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "rushes", "models", "pull", MODEL.id],
        env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        # a job in the background hands on that Ctrl-C is ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while (half := find_half(cache)) is None or half.stat().st_size < HALF:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL if ending is signal.SIGKILL else ending)
        if ending is signal.SIGINT:
            hub.closing.set()  # what was waited for comes to an end
        process.wait(timeout=60)
    half = find_half(cache)
    assert half is not None
    size = half.stat().st_size
    assert HALF <= size <= HALF + 1000
    assert half.read_bytes() == data[:size]
    hub.requests.clear()
    said: list[str] = []
    pulled = pull_model(MODEL, said.append)
    assert ranges(hub) == [f"bytes={size}-"]
    assert (pulled.folder / NAME).read_bytes() == data
    assert find_half(cache) is None
    assert any("0.03 GB of it here" in line for line in said)


def test_a_half_with_other_bytes_is_found_out_and_removed(
    hub: FakeHub, data: bytes, cache: Path
) -> None:
    pull_model(MODEL, quiet)
    blob = next(path for path in cache.rglob("blobs/*") if path.stat().st_size == len(data))
    pointer = next(path for path in cache.rglob(f"snapshots/*/{NAME}"))
    pointer.unlink()
    half = blob.with_name(f"{blob.name}.rushes.incomplete")
    half.write_bytes(b"?" * 20_000_000)
    blob.unlink()
    with pytest.raises(HubError, match="not what the hub says"):
        pull_model(MODEL, quiet)
    assert (pull_model(MODEL, quiet).folder / NAME).read_bytes() == data


def test_a_half_that_is_too_long_begins_anew(hub: FakeHub, data: bytes, cache: Path) -> None:
    sha256 = hub.repos[WAN].entry(NAME)["lfs"]["sha256"]
    half = halves.half_of(WAN, sha256)
    half.parent.mkdir(parents=True)
    half.write_bytes(data + b"?")
    pulled = pull_model(MODEL, quiet)
    assert ranges(hub) == [None]
    assert (pulled.folder / NAME).read_bytes() == data


def test_the_clients_own_transport_can_be_asked_for(
    hub: FakeHub, data: bytes, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_XET_HIGH_PERFORMANCE", "1")
    monkeypatch.setattr(halves, "_fetch", lambda *args: pytest.fail("not asked for"))
    assert (pull_model(MODEL, quiet).folder / NAME).read_bytes() == data
