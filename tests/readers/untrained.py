"""Spotter with weights that are not trained, in the place of the embedded ones, for any process.

As a module it is a worker that finds them: `python -m tests.readers.untrained` instead of
`python -m rushes.run.worker`. Whether the trained weights are in the tree makes no difference.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from rushes import hub, lock
from rushes.catalogue.reader import Entry
from rushes.run import asking, process, worker

VARIABLE = "RUSHES_TEST_SPOTTER"
_find = hub.find_checkpoint


def find_checkpoint(entry: Entry) -> Path:
    """Where the test's spotter lies; every other checkpoint is where it is."""
    return Path(os.environ[VARIABLE]) if entry.name == "spotter" else _find(entry)


def install(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Have this process and its workers find spotter in a folder."""
    root = Path(__file__).parents[2]
    monkeypatch.setenv(VARIABLE, str(folder))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, [root, *filter(None, sys.path)])))
    monkeypatch.setattr(process, "MODULE", __name__)
    for module in (lock, asking):
        monkeypatch.setattr(module, "find_checkpoint", find_checkpoint)


if __name__ == "__main__":
    worker.find_checkpoint = find_checkpoint  # type: ignore[attr-defined]
    worker.main(*sys.argv[1:])
