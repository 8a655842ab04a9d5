"""rushes.lock: what it pins, what it refuses, and how to go on."""

from __future__ import annotations

import shutil
from importlib import metadata
from pathlib import Path

import msgspec
import pytest

from rushes.catalogue.load import find_reader_entry
from rushes.catalogue.model import Model
from rushes.cli.main import main
from rushes.errors import LockRefused, ProjectError
from rushes.hub import find_checkpoint, list_files
from rushes.lock import (
    LOCK_FILE,
    Lock,
    check_toolchain,
    check_weights,
    complete_lock,
    missing_entries,
    read_lock,
    write_lock,
)
from rushes.run.build import prepare_lock
from rushes.spec.project import Project
from rushes.spec.resolve import load_project
from rushes.store.store import Store
from tests.plan.tools import LOCK, PARTS, PROJECT, SPRITE

WITHOUT_FILM = PROJECT.partition("[films")[0]


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small checkpoint in the hub's layout, which the model is found to lie in."""
    folder = tmp_path / "weights" / "sprite"
    for part in PARTS:
        (folder / part).mkdir(parents=True)
        (folder / part / "config.json").write_text("{}")
        (folder / part / "model.safetensors").write_bytes(part.encode() * 100)
    (folder / "model_index.json").write_text("{}")
    (folder / "README.md").write_text("not loaded")
    (folder / "vae" / "model.bin").write_bytes(b"a pickle, never loaded")

    def find(model: Model) -> Path:
        assert model.name == "sprite"
        return folder

    monkeypatch.setattr("rushes.lock.find_checkpoint", find)
    return folder


@pytest.fixture
def project(tmp_path: Path, weights: Path) -> Project:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "rushes.toml").write_text(PROJECT)
    return load_project(folder)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def locked(project: Project, store: Store) -> Lock:
    lock = prepare_lock(project, store, locked=False)
    assert read_lock(project.folder) == lock
    return lock


def test_it_pins_every_file_that_may_be_loaded(locked: Lock) -> None:
    files = locked.models["sprite"].files
    names = {f"{part}/{file}" for part in PARTS for file in ("config.json", "model.safetensors")}
    assert set(files) == names | {"model_index.json"}
    assert all(len(file.sha256) == 64 for file in files.values())
    assert files["vae/model.safetensors"].nbytes == 300


def test_it_pins_the_toolchain_of_every_stage(locked: Lock) -> None:
    assert locked.toolchains["denoise"]["torch"] == metadata.version("torch")
    assert locked.toolchains["export"]["av"] == metadata.version("av")
    assert any(name.startswith("ffmpeg-") for name in locked.toolchains["export"])
    assert locked.toolchains["render_prompt"] == {}


def test_what_is_missing_is_added_and_nothing_else_is_changed(
    project: Project, store: Store, locked: Lock
) -> None:
    part = msgspec.structs.replace(
        locked, toolchains={"denoise": {"torch": "0.0"}, "render_prompt": {}}
    )
    after, changes = complete_lock(project, part, store)
    assert after.toolchains["denoise"] == {"torch": "0.0"}
    assert after.models == locked.models
    assert "toolchains.export" in {change.what for change in changes}
    assert all(change.before is None for change in changes)
    assert missing_entries(project, after) == []


def test_a_film_needs_one_stage_more(tmp_path: Path, project: Project, store: Store) -> None:
    (project.folder / "rushes.toml").write_text(WITHOUT_FILM)
    lock = prepare_lock(load_project(project.folder), store, locked=False)
    assert "assemble" not in lock.toolchains
    assert missing_entries(project, lock) == ["toolchains.assemble"]


@pytest.mark.parametrize("lock", [Lock(), Lock(1, LOCK.models, {}), Lock(1, {}, LOCK.toolchains)])
def test_locked_refuses_a_lock_that_is_not_complete(
    lock: Lock, project: Project, weights: Path, store: Store
) -> None:
    if lock.models:
        real, _ = complete_lock(project, Lock(), store)
        lock = Lock(1, real.models, {})
    write_lock(project.folder, lock)
    before = (project.folder / LOCK_FILE).read_bytes()
    with pytest.raises(LockRefused, match="lacks") as caught:
        prepare_lock(project, store, locked=True)
    assert caught.value.exit_code == 3
    assert caught.value.hint == "run: rushes lock"
    assert (project.folder / LOCK_FILE).read_bytes() == before


CHANGES = {
    "one byte": ("vae/model.safetensors", b"vaE" + b"vae" * 99, "differs"),
    "one byte more": ("vae/model.safetensors", b"vae" * 100 + b"\0", "differs"),
    "a config": ("transformer/config.json", b"{ }", "differs"),
    "the index": ("model_index.json", b"{ }", "differs"),
    "a new file": ("vae/more.safetensors", b"x", "is new"),
    "a lost file": ("vocoder/model.safetensors", None, "is missing"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_other_weights_are_refused(
    case: str, weights: Path, project: Project, store: Store, locked: Lock
) -> None:
    name, data, words = CHANGES[case]
    check_weights(project.models, locked, store)
    (weights / name).unlink(missing_ok=True)
    if data is not None:
        (weights / name).write_bytes(data)
    with pytest.raises(LockRefused) as caught:
        prepare_lock(project, store, locked=False)
    assert caught.value.exit_code == 3
    assert f"{name} {words}" in caught.value.message
    assert "rushes lock --update" in (caught.value.hint or "")
    assert read_lock(project.folder) == locked
    after, changes = complete_lock(project, locked, store, update=True)
    assert [change.what for change in changes] == [f"{name} {words}"]
    check_weights(project.models, after, store)


@pytest.mark.parametrize(
    "command", [["plan"], ["make"], ["make", "--locked"], ["lock"], ["why", "one"], ["graph"]]
)
def test_every_command_refuses_other_weights(
    command: list[str],
    weights: Path,
    project: Project,
    locked: Lock,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (weights / "vae" / "model.safetensors").write_bytes(b"other")
    assert main([*command, "-C", str(project.folder)]) == 3
    assert "vae/model.safetensors differs" in capsys.readouterr().err


def test_lock_update_on_the_command_line(
    weights: Path, project: Project, locked: Lock, capsys: pytest.CaptureFixture[str]
) -> None:
    (weights / "vae" / "model.safetensors").write_bytes(b"other")
    assert main(["lock", "-C", str(project.folder), "--update"]) == 0
    assert "vae/model.safetensors differs" in capsys.readouterr().out
    assert main(["lock", "-C", str(project.folder)]) == 0
    assert "nothing changed" in capsys.readouterr().out
    assert main(["plan", "-C", str(project.folder)]) == 0


def test_another_toolchain_is_refused_with_a_command_that_restores_it(locked: Lock) -> None:
    check_toolchain(locked.toolchains, locked)
    for stage in ("export", "denoise"):
        package = "av" if stage == "export" else "torch"
        tools = {**locked.toolchains[stage], package: "0.1"}
        other = msgspec.structs.replace(locked, toolchains={**locked.toolchains, stage: tools})
        with pytest.raises(LockRefused) as caught:
            check_toolchain([stage], other)
        assert caught.value.exit_code == 3
        assert f"{package} {metadata.version(package)} (0.1 is locked)" in caught.value.message
        assert caught.value.where == f"rushes.lock:toolchains.{stage}"
        hint = caught.value.hint or ""
        assert f"pip install {package}==0.1" in hint
        assert "ffmpeg" not in hint
        assert "rushes lock --update" in hint


def test_the_command_line_takes_over_a_toolchain_only_when_told(
    project: Project, locked: Lock, capsys: pytest.CaptureFixture[str]
) -> None:
    tools = {**locked.toolchains["export"], "av": "0.1"}
    write_lock(
        project.folder,
        msgspec.structs.replace(locked, toolchains={**locked.toolchains, "export": tools}),
    )
    assert main(["lock", "-C", str(project.folder)]) == 3
    assert "pip install av==0.1" in capsys.readouterr().err
    assert main(["lock", "--update", "-C", str(project.folder)]) == 0
    assert read_lock(project.folder) == locked


def test_a_stage_that_will_not_run_is_not_held_to_its_toolchain(locked: Lock) -> None:
    other = {**locked.toolchains, "denoise": {"torch": "0.1"}}
    check_toolchain(["export", "check"], msgspec.structs.replace(locked, toolchains=other))


def test_writing_is_the_same_every_time(project: Project, locked: Lock) -> None:
    path = project.folder / LOCK_FILE
    first = path.read_bytes()
    turned = Lock(
        1, dict(reversed(locked.models.items())), dict(reversed(locked.toolchains.items()))
    )
    write_lock(project.folder, turned)
    assert path.read_bytes() == first
    assert str(project.folder).encode() not in first


BROKEN = {
    "cut off": b"version = 1\n[models.spr",
    "not text": b"\xff\xfe\x00",
    "another version": b"version = 3\n",
    "a later version with more": b"version = 3\nplaces = 3\n",
    "an unknown key": b"version = 1\nmodles = {}\n",
    "a wrong type": b"version = 1\n[models.sprite]\nrevision = 7\n",
    "a conflict": b"<<<<<<< HEAD\nversion = 1\n=======\n",
    "a long number": b"version = " + b"9" * 5000,
    "nested": b"x = " + b"[" * 5000,
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_lock_that_cannot_be_read(
    case: str, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.folder / LOCK_FILE).write_bytes(BROKEN[case])
    with pytest.raises(ProjectError) as caught:
        read_lock(project.folder)
    assert caught.value.where == LOCK_FILE
    assert caught.value.hint
    if "version" in case:
        assert "version 3" in caught.value.message
    assert main(["plan", "-C", str(project.folder)]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_folder_in_the_place_of_the_lock(project: Project) -> None:
    (project.folder / LOCK_FILE).mkdir()
    assert main(["plan", "-C", str(project.folder)]) == 2


def test_only_safe_files_of_a_checkpoint_count(weights: Path) -> None:
    names = list_files(weights)
    assert names == sorted(names)
    assert not [name for name in names if name.endswith((".bin", ".md", ".pt", ".py"))]


def test_a_package_without_its_weights() -> None:
    source = msgspec.structs.replace(SPRITE.source, path="weights/nothing")
    with pytest.raises(LockRefused, match="not in"):
        find_checkpoint(msgspec.structs.replace(SPRITE, source=source))


def test_a_folder_of_a_single_model_is_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "brings_a_reader" / "weights"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("")
    source = msgspec.structs.replace(SPRITE.source, package="brings_a_reader", path="weights")
    spotter = msgspec.structs.replace(find_reader_entry("spotter"), source=source)
    with pytest.raises(LockRefused, match="weights of spotter"):
        find_checkpoint(spotter)
    (folder / "config.json").write_text("{}")
    assert find_checkpoint(spotter) == folder


def test_the_embedded_model_has_the_parts_its_family_reads(tmp_path: Path) -> None:
    names = {name.partition("/")[0] for name in list_files(find_checkpoint(SPRITE))}
    assert names >= {"model_index.json", *PARTS}


def test_copying_the_project_elsewhere_keeps_the_lock(
    project: Project, locked: Lock, tmp_path: Path, store: Store
) -> None:
    shutil.copytree(project.folder, tmp_path / "copy")
    copy = load_project(tmp_path / "copy")
    assert prepare_lock(copy, store, locked=True) == locked
