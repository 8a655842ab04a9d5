"""Kills, races, spoilt objects, a full disk: what must never lose or falsify a result."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rushes
from tests.run.projects import PROJECT, make, ran, run_rushes, sums, write_project

COMMAND = [sys.executable, "-m", "rushes", "make", "--json"]


def start(folder: Path, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        COMMAND,
        cwd=folder,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_hear_interrupts,
    )


def _hear_interrupts() -> None:
    """A shell that starts tests in the background has them ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def kill_group(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def computed(folder: Path) -> Counter[str]:
    """How often each key was computed, by the ledger."""
    db = sqlite3.connect(folder / ".rushes/ledger.sqlite")
    rows = db.execute("SELECT key FROM nodes WHERE error IS NULL").fetchall()
    db.close()
    return Counter(key for (key,) in rows)


def keys_of_run(folder: Path, document: dict[str, Any]) -> set[str]:
    """Keys that one run computed."""
    log = json.loads(run_rushes(folder, "log", document["run"], "--json").stdout)
    return {node["key"] for node in log["nodes"]}


def wait_for(folder: Path, pattern: str, process: subprocess.Popen[str]) -> None:
    """Until the store holds a file of this pattern, or the build is over."""
    while process.poll() is None and not list((folder / ".rushes").glob(pattern)):
        time.sleep(0.01)


@pytest.mark.slow
def test_a_killed_build_finishes_with_the_same_bytes(built: Path, tmp_path: Path) -> None:
    want = sums(built, make(built))
    begin = time.monotonic()
    make(write_project(tmp_path / "timed"))
    whole = time.monotonic() - begin
    rng = random.Random(5)
    for number in range(5):
        folder = write_project(tmp_path / f"p{number}")
        process = start(folder)
        time.sleep(rng.uniform(0.2, 0.95) * whole)
        kill_group(process)
        stored = stored_keys(folder)
        if stored:  # at most a node a worker was not told of yet
            assert len(stored - set(computed(folder))) <= 2
        document = make(folder)
        assert sums(folder, document) == want
        assert not stored & keys_of_run(folder, document), "a stored key was computed again"
        assert run_rushes(folder, "cache", "verify").returncode == 0


def stored_keys(folder: Path) -> set[str]:
    path = folder / ".rushes/index.sqlite"
    if not path.exists():
        return set()
    with contextlib.closing(sqlite3.connect(path)) as db:
        try:
            return {key for (key,) in db.execute("SELECT key FROM results")}
        except sqlite3.OperationalError:  # killed before the table was made
            return set()


@pytest.mark.slow
def test_a_killed_denoise_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    text = PROJECT.replace("steps = 2", "steps = 40")
    text = text.replace("seed = 7", "seed = 7\ncheckpoint_seconds = 0.05", 1)
    whole, folder = write_project(tmp_path / "whole", text), write_project(tmp_path / "p", text)
    want = sums(whole, make(whole, "one"))["one"]
    process = start(folder)
    wait_for(folder, "checkpoints/*[0-9a-f]", process)
    time.sleep(0.2)
    kill_group(process)
    document = make(folder, "one")
    assert sums(folder, document)["one"] == want
    run = json.loads(run_rushes(folder, "log", document["run"], "--json").stdout)
    resumed = [n["resumed_step"] for n in run["nodes"] if n["stage"] == "denoise"]
    assert resumed[0] is not None
    assert resumed[0] > 0
    assert not list((folder / ".rushes/checkpoints").iterdir())


@pytest.mark.slow
def test_two_builds_at_once_compute_each_key_once(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "p")
    run_rushes(folder, "lock")
    pair = [start(folder), start(folder)]
    outputs = [process.communicate(timeout=300) for process in pair]
    assert [process.returncode in (0, 1) for process in pair] == [True, True], outputs
    assert set(computed(folder).values()) == {1}
    for stdout, _ in outputs:
        assert all(shot["path"] for shot in json.loads(stdout)["shots"])
    assert ran(make(folder)) == set()


def test_spoilt_objects_are_made_again(built: Path) -> None:
    want = sums(built, make(built))
    for path in (built / ".rushes/objects").rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 0xFF
            path.write_bytes(bytes(data))
    assert run_rushes(built, "cache", "verify").returncode == 1
    shutil.rmtree(built / "out")
    assert sums(built, make(built)) == want


def test_missing_objects_are_made_again(built: Path) -> None:
    want = sums(built, make(built))
    shutil.rmtree(built / ".rushes/objects")
    shutil.rmtree(built / "out")
    assert sums(built, make(built)) == want


def test_an_interrupt_exits_130_and_keeps_what_is_stored(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "p")
    process = start(folder)
    while process.poll() is None and not stored_keys(folder):
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads(stdout)["error"]["type"] == "Interrupted"
    assert stored_keys(folder)


def workers_of(parent: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(parent)],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.split(None, 1) for line in listed.stdout.splitlines()]
    return [int(pid) for pid, args in lines if "rushes.run.worker" in args]


@pytest.mark.slow
def test_a_killed_worker_is_replaced(built: Path, tmp_path: Path) -> None:
    want = sums(built, make(built))
    folder = write_project(tmp_path / "p")
    process = start(folder)
    wait_for(folder, "objects/*/*", process)
    for pid in workers_of(process.pid):
        os.kill(pid, signal.SIGKILL)
    stdout, stderr = process.communicate(timeout=300)
    assert process.returncode in (0, 1), stderr
    assert sums(folder, json.loads(stdout)) == want


def test_workers_die_with_their_parent(tmp_path: Path) -> None:
    process = start(write_project(tmp_path / "p"))
    deadline = time.monotonic() + 60
    while len(workers := workers_of(process.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(workers) == 2
    time.sleep(1.0)
    process.kill()
    process.communicate()
    while any(is_alive(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(is_alive(pid) for pid in workers)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_one_byte_of_the_weights_is_refused(built: Path, tmp_path: Path) -> None:
    source = Path(rushes.__file__).parent
    copy = tmp_path / "site"
    shutil.copytree(source, copy / "rushes", ignore=shutil.ignore_patterns("__pycache__"))
    env = {"PYTHONPATH": str(copy)}
    assert run_rushes(built, "make", env=env).returncode in (0, 1)
    weights = copy / "rushes/weights/sprite/transformer/diffusion_pytorch_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(bytes(data))
    for command in ("make", "plan", "lock"):
        done = run_rushes(built, command, "--json", env=env)
        assert done.returncode == 3, done.stdout + done.stderr
        error = json.loads(done.stdout)["error"]
        assert error["type"] == "LockRefused"
        assert "transformer/diffusion_pytorch_model.safetensors" in error["message"]
    assert run_rushes(built, "lock", "--update", env=env).returncode == 0
    assert {stage for _, stage in ran(make_with(built, env))} >= {"denoise"}


def make_with(folder: Path, env: dict[str, str]) -> dict[str, object]:
    done = run_rushes(folder, "make", "--json", env=env)
    assert done.returncode in (0, 1), done.stderr
    document: dict[str, object] = json.loads(done.stdout)
    return document


def test_another_toolchain_is_refused_with_the_command_that_restores_it(built: Path) -> None:
    path = built / "rushes.lock"
    path.write_text(path.read_text().replace('diffusers = "', 'diffusers = "0.0.1-not-'))
    done = run_rushes(built, "make", "--json")
    assert done.returncode == 3
    assert "pip install" in json.loads(done.stdout)["error"]["hint"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"mounting a tmpfs is not permitted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_ends_with_one_clear_sentence(small_disk: Path, tmp_path: Path) -> None:
    folder = write_project(tmp_path / "p")
    env = {"RUSHES_STORE": str(small_disk / "store")}
    done = run_rushes(folder, "make", "--json", env=env)
    assert done.returncode == 4, done.stdout + done.stderr
    error = json.loads(done.stdout)["error"]
    assert error["type"] == "StoreFull"
    assert "Traceback" not in done.stderr
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    verified = run_rushes(folder, "cache", "verify", "--json", env=env)
    assert verified.returncode == 0, verified.stdout
    finished = run_rushes(folder, "make", "--json", env=env)
    assert finished.returncode in (0, 1), finished.stderr
