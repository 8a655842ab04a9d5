"""Killed writers, two processes on one key, and a full disk."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rushes.errors import RushesError, StoreFull
from rushes.store.files import copy_durable, write_durable
from rushes.store.maintain import verify_store
from rushes.store.store import Store
from tests.store.tools import key_of, put, python

WRITER = """
import os, sys, pathlib
from rushes.store.store import Store
from rushes.canon import digest_value
store = Store(pathlib.Path(sys.argv[1]))
print("ready", flush=True)
for n in range(100_000):
    with store.scratch() as folder:
        files = {}
        for name in ("frames", "sound"):
            files[name] = folder / name
            files[name].write_bytes(os.urandom(200_000))
        store.put_result(digest_value([sys.argv[2], n]), "export", files, {"n": n}, 0.0, 0)
    if n == 0:
        print("stored", flush=True)
"""


def test_a_killed_writer_leaves_nothing_that_is_trusted(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    Store(folder).close()
    chance = random.Random(3)
    for turn in range(10):
        with python(WRITER, folder, turn) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            if turn % 2:  # however slow the machine is, half of them have stored something
                assert process.stdout.readline() == "stored\n"
            time.sleep(chance.uniform(0.0, 0.06))
            process.send_signal(signal.SIGKILL)
            process.wait()
        store = Store(folder)
        assert verify_store(store) == []
        for result, _, _ in store.index.all():
            assert result is not None
            assert store.read_outputs(result).keys() == {"frames", "sound"}
        store.close()
    store = Store(folder)
    assert list(store.index.all()), "every writer was killed before its first result"
    store.sweep_scratch()
    assert not list((folder / "tmp").iterdir())


def test_sweeping_leaves_the_scratch_of_the_living(tmp_path: Path) -> None:
    store = Store(tmp_path)
    dead = subprocess.Popen(["true"])
    dead.wait()
    (tmp_path / "tmp" / f"{dead.pid}-x").mkdir()
    with store.scratch() as folder:
        store.sweep_scratch()
        assert [path.name for path in (tmp_path / "tmp").iterdir()] == [folder.name]


HOLDER = """
import sys, pathlib
from rushes.store.store import Store
with Store(pathlib.Path(sys.argv[1])).lock("k"):
    print("held", flush=True)
    sys.stdin.read()
"""
WAITER = """
import sys, pathlib
from rushes.store.store import Store
with Store(pathlib.Path(sys.argv[1])).lock("k", lambda: print("waits", flush=True)):
    print("held", flush=True)
"""


def test_one_holds_and_the_other_goes_on_when_it_is_killed(tmp_path: Path) -> None:
    with python(HOLDER, tmp_path) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with python(WAITER, tmp_path) as waiter:
            assert waiter.stdout is not None
            assert waiter.stdout.readline() == "waits\n"
            assert waiter.poll() is None
            holder.send_signal(signal.SIGKILL)
            assert waiter.stdout.readline() == "held\n"
            assert waiter.wait(20) == 0
    assert not list((tmp_path / "locks").iterdir())


COUNTER = """
import sys, pathlib
from rushes.store.store import Store
folder = pathlib.Path(sys.argv[1])
store = Store(folder)
print("ready", flush=True)
sys.stdin.readline()
for _ in range(50):
    with store.lock("k"):
        count = int((folder / "count").read_text())
        (folder / "count").write_text(str(count + 1))
"""


def test_no_round_of_four_processes_is_lost(tmp_path: Path) -> None:
    """Each releases by removing the file that the others wait for."""
    (tmp_path / "count").write_text("0")
    command = [sys.executable, "-c", COUNTER, str(tmp_path)]
    pipe = subprocess.PIPE
    four = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(4)]
    try:
        for process in four:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in four:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        assert [process.wait(60) for process in four] == [0] * 4
    finally:
        for process in four:
            process.kill()
            process.communicate()
    assert (tmp_path / "count").read_text() == "200"
    assert not list((tmp_path / "locks").iterdir())


SIZE = 2_000_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None:
        pytest.skip("there is no mount command to make a small disk with")
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"mounting a small disk is not permitted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path, leave: int = 0) -> Path:
    """A file that takes the rest of the disk."""
    ballast = folder / "ballast"
    free = os.statvfs(folder)
    with ballast.open("wb", buffering=0) as file:
        file.write(b"x" * max(free.f_bavail * free.f_frsize - leave, 0))
    return ballast


@pytest.mark.parametrize("leave", [0, 4096, 8192, 16384, 40960])
def test_a_full_disk_while_storing(leave: int, small_disk: Path) -> None:
    store = Store(small_disk / "store")
    kept = put(store, 1)
    with store.scratch() as folder:
        path = folder / "clip"
        path.write_bytes(b"y" * 50_000)
        ballast = fill(small_disk, leave)
        facts: dict[str, object] = {"long": "z" * 60_000}
        with pytest.raises(StoreFull) as caught:
            store.put_result(key_of(2), "export", {"clip": path}, facts, 0.0, 0)
    assert caught.value.exit_code == 4
    assert "no space left" in caught.value.message
    assert caught.value.hint
    store.close()
    store = Store(small_disk / "store")
    assert store.index.get(key_of(2)) is None
    assert verify_store(store) == []
    assert store.read_outputs(kept)
    ballast.unlink()
    assert put(store, 2)
    assert verify_store(store) == []


def test_a_full_disk_while_opening(small_disk: Path) -> None:
    ballast = fill(small_disk)
    with pytest.raises(StoreFull):
        put(Store(small_disk / "store"), 1)
    ballast.unlink()
    store = Store(small_disk / "store")
    assert put(store, 1)
    assert verify_store(store) == []
    assert (store.folder / ".gitignore").read_text() == "*\n"


def test_a_file_is_whole_or_as_it_was_when_the_disk_is_full(small_disk: Path) -> None:
    target = small_disk / "rushes.lock"
    write_durable(target, b"before")
    (source := small_disk.parent / "source").write_bytes(b"x" * 100_000)
    fill(small_disk, leave=20_000)
    for write in (
        lambda: write_durable(target, b"x" * 100_000),
        lambda: copy_durable(source, target),
    ):
        with pytest.raises(StoreFull, match="no space left"):
            write()
        assert target.read_bytes() == b"before"
        assert sorted(path.name for path in small_disk.iterdir()) == ["ballast", "rushes.lock"]


def test_the_command_line_on_a_full_disk(small_disk: Path) -> None:
    text = '[project]\nname = "p"\n[shots.one]\nprompt = "a red ball"\n'
    (small_disk / "rushes.toml").write_text(text)
    ballast = fill(small_disk)
    command = [sys.executable, "-m", "rushes", "lock", "-C", str(small_disk)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == StoreFull.exit_code == 4
    assert "no space left on the disk" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 2
    assert not (small_disk / "rushes.lock").exists()
    ballast.unlink()
    assert verify_store(Store(small_disk / ".rushes", read_only=True)) == []


def test_the_ledger_on_a_full_disk(small_disk: Path) -> None:
    from rushes.ledger import Ledger, NodeRow

    ledger = Ledger(small_disk / "ledger.sqlite")
    row = NodeRow(
        run="r", key="k", stage="denoise", model="sprite", shot="one", attempt=0, seed=1,
        started_at=1.0, seconds=2.0, predicted_peak_bytes=None, peak_bytes=3, usd=0.0,
        resumed_step=None, loads="{}" * 50_000, passed=None, error=None,
    )  # fmt: skip
    ballast = fill(small_disk)
    with pytest.raises(StoreFull):
        ledger.add_nodes([row])
    ballast.unlink()
    ledger.add_nodes([row])
    assert ledger.nodes() == [row]


def test_other_faults_of_the_disk_are_ours_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for act in (
        lambda: write_durable(tmp_path / "file" / "x", b""),
        lambda: copy_durable(tmp_path / "gone", tmp_path / "x"),
        lambda: copy_durable(tmp_path / "file", tmp_path / "file" / "x"),
    ):
        with pytest.raises(RushesError) as caught:
            act()
        assert caught.value.exit_code == 4
