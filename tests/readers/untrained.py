"""Spotter with weights that are not trained, in the place of the embedded ones.

Workers are told where a checkpoint lies, so only the parent has to find another one. Whether the
trained weights are in the tree makes no difference.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from rushes import hub, lock
from rushes.catalogue.reader import Entry
from rushes.run import execute, reader


def install(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Have this process find spotter in a folder; every other checkpoint is where it is."""
    find = hub.find_checkpoint

    def find_checkpoint(entry: Entry) -> Path:
        return folder if entry.name == "spotter" else find(entry)

    for module in (lock, reader, execute):
        monkeypatch.setattr(module, "find_checkpoint", find_checkpoint)
