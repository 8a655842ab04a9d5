"""Every project in examples/ builds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.run.projects import clips, make

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*/rushes.toml"))


@pytest.mark.slow
@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.parent.name)
def test_an_example_builds(file: Path, tmp_path: Path) -> None:
    left = shutil.ignore_patterns(".rushes", "out", "rushes.lock")
    folder = Path(shutil.copytree(file.parent, tmp_path / "p", ignore=left))
    document = make(folder, "--attempts", "1")
    assert all((folder / clip["path"]).is_file() for clip in clips(document))
