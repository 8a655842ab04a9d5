"""Small projects on the embedded model, built through the real command line."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PROJECT = """
[project]
name = "small"
seed = 7
[defaults]
steps = 2
[shots.one]
prompt = "a red ball bounces on a grey background"
[shots.two]
prompt = "a blue square slides on a black background"
[films.both]
shots = ["one", "two"]
"""


def write_project(folder: Path, text: str = PROJECT) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rushes.toml").write_text(text)
    return folder


def run_rushes(
    folder: Path, *args: str, env: dict[str, str] | None = None, timeout: float = 300
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rushes", *args],
        cwd=folder,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def make(folder: Path, *args: str, codes: tuple[int, ...] = (0, 1)) -> dict[str, Any]:
    """``rushes make --json``; clips of a barely denoised shot may fail a check (1)."""
    done = run_rushes(folder, "make", "--json", *args)
    assert done.returncode in codes, done.stderr[-2000:] + done.stdout[-500:]
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def clips(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [*document["shots"], *document["films"]]


def ran(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {
        (clip["name"], stage["stage"])
        for clip in clips(document)
        for stage in clip["stages"]
        if stage["result"] == "ran"
    }


def sums(folder: Path, document: dict[str, Any]) -> dict[str, str]:
    """SHA-256 of each clip in ``out/``."""
    return {
        clip["name"]: hashlib.sha256((folder / clip["path"]).read_bytes()).hexdigest()
        for clip in clips(document)
    }
