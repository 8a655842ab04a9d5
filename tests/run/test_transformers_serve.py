"""A real ``transformers serve`` behind the reader of servers: asked, killed in the middle of a
batch, started again."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.readers.checkpoints import SPOTTER, write_clip
from tests.readers.serving import Served, find_port, start_serve

pytest.importorskip("fastapi", reason="transformers[serving] is not installed")
pytest.importorskip("uvicorn", reason="transformers[serving] is not installed")
CLIPS = 8


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    server = start_serve(SPOTTER, find_port(), tmp_path / "first.log")
    yield server
    if server.process.poll() is None:
        server.kill()


def start_batch(folder: Path, out: str) -> subprocess.Popen[bytes]:
    command = ["ask", "--batch", "clips", "is there a red ball?", "--model", "mine", "-j", "1"]
    return subprocess.Popen(
        [sys.executable, "-m", "rushes", *command, "--out", out],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def finish(process: subprocess.Popen[bytes], out: Path) -> tuple[int, list[Any]]:
    process.communicate(timeout=200)
    return process.returncode, [json.loads(line) for line in out.read_text().splitlines()]


@pytest.mark.slow
def test_a_server_that_is_killed_in_mid_batch(tmp_path: Path, served: Served) -> None:
    (tmp_path / "rushes.toml").write_text(
        f'[project]\nname = "a"\n[policy]\nservers = ["http://127.0.0.1:{served.port}"]\n'
        f'[readers.mine]\nserver = "http://127.0.0.1:{served.port}/v1"\nserved = "{SPOTTER}"\n'
        'like = "spotter"\nretries = 0\n'
    )
    (tmp_path / "clips").mkdir()
    for n in range(CLIPS):
        write_clip(tmp_path / "clips" / f"{n}.mp4", [Fraction(k, 16) for k in range(12 + n)])
    batch = start_batch(tmp_path, "first.jsonl")
    while served.count_answers() < 2:
        assert batch.poll() is None, batch.communicate()
        time.sleep(0.02)
    served.kill()
    code, first = finish(batch, tmp_path / "first.jsonl")
    assert code == 4, first
    got = sum("error" not in line for line in first)
    assert 1 <= got < CLIPS
    assert got <= served.count_answers() <= got + 1, "one was on its way, at the most"
    again = start_serve(SPOTTER, served.port, tmp_path / "second.log")
    try:
        code, second = finish(start_batch(tmp_path, "second.jsonl"), tmp_path / "second.jsonl")
    finally:
        again.kill()
    assert code == 0, second
    assert len(second) == CLIPS
    assert not any("error" in line for line in second)
    assert got + again.count_answers() == CLIPS, "none is lost, none that came is asked again"
