"""Prompt packs: from the project's folder or a package, and from nowhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rushes.errors import ProjectError
from rushes.spec.resolve import load_project
from tests.spec.tools import HEAD, SHOT, error_of, marked_place, read

PACK = '[presets.bounce]\nprompt = "a {colour} ball bounces"\n'
USES = HEAD + '[shots.one]\npreset = "bounce"\nvars = { colour = "red" }\n'


def including(*entries: str, rest: str = USES) -> str:
    return f"include = [{', '.join(repr(entry) for entry in entries)}] {'# <-'}\n{rest}"


def test_a_pack_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "b.toml").write_text(PACK)
    shot = read(tmp_path, including("packs/b.toml")).shots["one"]
    assert shot.template == "a {colour} ball bounces"
    assert shot.variables == (("colour", "red"),)
    assert read(tmp_path, including("./packs/../packs/b.toml")).shots["one"] == shot


@pytest.mark.parametrize(
    "entry",
    [
        "../p.toml",
        "packs/../../p.toml",
        "/etc/passwd",
        "packs/link.toml",
        "linked/p.toml",
        "../../../../../../etc/passwd",
    ],
)
def test_nothing_outside_the_folder(entry: str, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(PACK)
    folder = tmp_path / "project"
    (folder / "packs").mkdir(parents=True)
    (folder / "packs" / "link.toml").symlink_to(tmp_path / "p.toml")
    (folder / "linked").symlink_to(tmp_path)
    text = including(entry)
    error = error_of(folder, text)
    assert "leaves the project folder" in error.message
    assert error.where == marked_place(text)


def test_a_link_that_stays_inside(tmp_path: Path) -> None:
    (tmp_path / "link.toml").symlink_to("b.toml")
    assert read(tmp_path, including("link.toml"), b=PACK).shots["one"].template


def test_a_project_in_a_linked_folder(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "link").symlink_to(real)
    assert read(tmp_path / "link", including("b.toml"), b=PACK).shots["one"].template


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("gone.toml", "there is no file 'gone.toml'"),
        ("", "there is no file"),
        (".", "there is no file"),
        ("folder", "there is no file"),
        ("loop.toml", ""),
        ("pipe.toml", "there is no file"),
        ("latin.toml", "not UTF-8"),
        ("a\\u0000b.toml", "not a path"),
        ("x" * 5000, ""),
    ],
)
def test_what_cannot_be_read(entry: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe4"')
    os.mkfifo(tmp_path / "pipe.toml")
    error = error_of(tmp_path, f'include = ["{entry}"]\n' + USES)
    assert words in error.message
    assert error.where == ("latin.toml" if entry == "latin.toml" else "rushes.toml:1")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_project_file_that_is_no_file(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / "rushes.toml")
    with pytest.raises(ProjectError, match="not a file"):
        load_project(tmp_path)


def test_too_large_a_file(tmp_path: Path) -> None:
    with (tmp_path / "big.toml").open("wb") as file:
        file.truncate(40_000_000)
    assert "larger than" in error_of(tmp_path, including("big.toml")).message


def test_a_fault_in_a_pack_is_placed_in_the_pack(tmp_path: Path) -> None:
    for pack in (
        PACK + "sead = 1 # <-\n",
        PACK + "seed = -1 # <-\n",
        "[presets.bounce\n# <-".replace("\n", " # <-\n", 1),
        "[preset.bounce] # <-\n",
    ):
        assert error_of(tmp_path, including("b.toml"), b=pack).where == marked_place(pack, "b.toml")


@pytest.mark.parametrize(
    "line",
    ["frames = 30", "seconds = 3601", 'size = "32x32"', "fps = 3", 'model = "x"',
     'export = { crf = 60 }'],
)  # fmt: skip
def test_what_a_pack_asks_in_vain_is_placed_in_the_pack(line: str, tmp_path: Path) -> None:
    pack = f"{PACK}{line} # <-\n"
    assert error_of(tmp_path, including("b.toml"), b=pack).where == marked_place(pack, "b.toml")


def test_braces_of_a_pack_are_placed_in_the_pack(tmp_path: Path) -> None:
    pack = '[presets.bounce]\nprompt = "a { ball" # <-\n'
    assert error_of(tmp_path, including("b.toml"), b=pack).where == marked_place(pack, "b.toml")


def test_a_pack_holds_presets_only(tmp_path: Path) -> None:
    error = error_of(tmp_path, including("b.toml"), b=PACK + SHOT)
    assert "unknown key 'shots'" in error.message


def test_a_preset_is_written_once(tmp_path: Path) -> None:
    error = error_of(tmp_path, including("a.toml", "b.toml"), a=PACK, b=PACK)
    assert "two packs" in error.message
    assert error.where == "b.toml:1"
    error = error_of(tmp_path, including("a.toml", "a.toml"), a=PACK)
    assert "bounce" in error.message
    own = USES + "[presets.bounce] # <-\nseed = 1\n"
    error = error_of(tmp_path, f"include = ['a.toml']\n{own}", a=PACK)
    assert error.where == marked_place(f"include = ['a.toml']\n{own}")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installed package with a pack, whose code must not run."""
    folder = tmp_path / "site" / "clip_packs"
    (folder / "deep").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise ImportError('code of a pack ran')")
    (folder / "b.toml").write_text(PACK)
    (folder / "deep" / "c.toml").write_text(PACK)
    (tmp_path / "site" / "module_only.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return "clip_packs"


@pytest.mark.parametrize("inner", ["b.toml", "deep/c.toml"])
def test_a_pack_of_a_package(inner: str, package: str, tmp_path: Path) -> None:
    assert read(tmp_path, including(f"package:{package}/{inner}")).shots["one"].template
    assert package not in sys.modules


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("package:clip_packs/gone.toml", "holds no file"),
        ("package:clip_packs/deep", "holds no file"),
        ("package:clip_packs", "does not name a file"),
        ("package:clip_packs/", "does not name a file"),
        ("package:clip_packs/../site.toml", "does not name a file"),
        ("package:", "does not name a file"),
        ("package:/etc/passwd", "does not name a file"),
        ("package:clip_packs//etc/passwd", "holds no file"),
        ("package:no_such_package/b.toml", "no package"),
        ("package:../b.toml", "no package"),
        ("package:.clip_packs/b.toml", "no package"),
        ("package:module_only/b.toml", "no package"),
        ("package:a\\u0000b/b.toml", "no package"),
        ("package:clip_packs/a\\u0000b", "holds no file"),
    ],
)
def test_what_is_no_pack_of_a_package(entry: str, words: str, package: str, tmp_path: Path) -> None:
    text = f'include = ["{entry}"] # <-\n' + USES
    error = error_of(tmp_path, text)
    assert words in error.message
    assert error.where == marked_place(text)
