"""A process that dies while it saves a checkpoint leaves nothing that stays."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from rushes.store.store import Store

DIES = """
import os, signal, sys
from pathlib import Path
import torch
from rushes.stages import checkpoint
from rushes.store.store import Store

def die(source, target):
    assert source.read_bytes()
    os.kill(os.getpid(), signal.SIGKILL)

store = Store(Path(sys.argv[1]))
with store.scratch() as folder:
    saved = checkpoint.FileCheckpoint(store.checkpoint_path("k" * 64), 0.0, folder)
    saved.offer(lambda: {"step": torch.tensor(3)})
    checkpoint.move_into_place = die
    saved.offer(lambda: {"step": torch.tensor(4)})
"""


def test_a_save_that_is_killed_leaves_the_one_before_and_is_swept(tmp_path: Path) -> None:
    died = subprocess.run([sys.executable, "-c", DIES, str(tmp_path)], capture_output=True)
    assert died.returncode == -9, died.stderr.decode()
    store = Store(tmp_path)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["k" * 64]
    assert list((tmp_path / "tmp").rglob(".checkpoint"))
    store.sweep_scratch()
    assert not list((tmp_path / "tmp").iterdir())
