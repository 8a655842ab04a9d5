from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rushes.cli.main import main
from rushes.lock import Lock
from tests.plan.tools import LOCK, PROJECT


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """A command in this process."""

    def run(*args: str | Path) -> Ran:
        capsys.readouterr()
        code = main([str(arg) for arg in args])
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture
def start() -> Run:
    """A command in a process of its own."""

    def start(*args: str | Path, **env: str) -> Ran:
        import os

        done = subprocess.run(
            [sys.executable, "-m", "rushes", *map(str, args)],
            capture_output=True,
            env={**os.environ, **env},
            check=False,
        )
        return Ran(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode())

    return start


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that was never built."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "rushes.toml").write_text(PROJECT)
    return folder


@pytest.fixture
def no_weights_check(monkeypatch: pytest.MonkeyPatch) -> Lock:
    """Locks made by hand count: what lies on the disk is not looked at."""
    for name in ("inspect", "build"):
        monkeypatch.setattr(f"rushes.run.{name}.check_weights", lambda *args, **kwargs: None)
    return LOCK
