from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.run.projects import make, write_project


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that is built; copy it before changing it."""
    folder = write_project(tmp_path_factory.mktemp("built") / "project")
    make(folder)
    return folder


@pytest.fixture
def built(built_once: Path, tmp_path: Path) -> Path:
    """A built project of one's own."""
    return Path(shutil.copytree(built_once, tmp_path / "project", symlinks=True))
