"""``make --changed``: what differs from a git revision, with what is given to shots."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rushes.errors import UsageError
from rushes.run.build import BuildOptions
from rushes.run.changed import find_changed

PROJECT = """\
[project]
name = "a"
model = "sprite"

[shots.opening]
prompt = "a red ball bounces on a grey background"

[shots.closing]
prompt = "a blue square slides on a black background"
image = "first.png"

[films.teaser]
shots = ["opening", "closing"]
"""


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=me", "-c", "user.email=me@example.com")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def draw(path: Path, level: int) -> None:
    Image.fromarray(np.full((64, 64, 3), level, np.uint8)).save(path)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    (folder / "rushes.toml").write_text(PROJECT)
    draw(folder / "first.png", 90)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "Begin")
    from rushes.run.build import prepare_lock
    from rushes.spec.resolve import load_project
    from rushes.store.store import Store

    prepare_lock(load_project(folder), Store(folder / ".rushes"), locked=False)
    return folder


def change(folder: Path, old: str, new: str) -> None:
    path = folder / "rushes.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_nothing_changed(project: Path) -> None:
    assert find_changed(project, "HEAD", BuildOptions()) == ()
    change(project, "[project]", "# a comment\n[project]")
    assert find_changed(project, "HEAD", BuildOptions()) == ()


def test_a_prompt_touches_its_shot_and_the_film(project: Path) -> None:
    change(project, "red ball", "green ball")
    assert find_changed(project, "HEAD", BuildOptions()) == ("opening", "teaser")
    narrowed = find_changed(project, "HEAD", BuildOptions(targets=("closing",)))
    assert narrowed == ()


def test_a_picture_that_is_given_touches_its_shot(project: Path) -> None:
    draw(project / "first.png", 200)
    assert find_changed(project, "HEAD", BuildOptions()) == ("closing", "teaser")


def test_a_new_shot_is_touched(project: Path) -> None:
    text = (project / "rushes.toml").read_text()
    (project / "rushes.toml").write_text(text + '\n[shots.third]\nprompt = "a ball"\n')
    assert find_changed(project, "HEAD", BuildOptions()) == ("third",)


def test_no_such_revision(project: Path) -> None:
    with pytest.raises(UsageError, match="git"):
        find_changed(project, "nowhere", BuildOptions())
