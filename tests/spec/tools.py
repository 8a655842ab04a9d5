"""Project files written, read, and the errors they give."""

from __future__ import annotations

from pathlib import Path

import pytest

from rushes.errors import ProjectError
from rushes.spec.project import Project
from rushes.spec.resolve import load_project

HEAD = '[project]\nname = "p"\n'
SHOT = '[shots.one]\nprompt = "a red ball"\n'
MARK = "# <-"


def write_project(folder: Path, text: str, **packs: str) -> Path:
    """rushes.toml, and packs as ``NAME.toml`` beside it."""
    (folder / "rushes.toml").write_text(text, "utf-8", newline="")
    for name, pack in packs.items():
        (folder / f"{name}.toml").write_text(pack, "utf-8", newline="")
    return folder


def read(folder: Path, text: str, **packs: str) -> Project:
    return load_project(write_project(folder, text, **packs))


def error_of(folder: Path, text: str, **packs: str) -> ProjectError:
    with pytest.raises(ProjectError) as caught:
        read(folder, text, **packs)
    assert caught.value.exit_code == 2
    return caught.value


def marked_place(text: str, name: str = "rushes.toml") -> str:
    """``rushes.toml:LINE`` of the marked line, or only the file's name where none is marked."""
    for number, line in enumerate(text.split("\n"), start=1):
        if MARK in line:
            return f"{name}:{number}"
    return name
