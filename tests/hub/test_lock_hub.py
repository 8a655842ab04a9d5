"""rushes.lock and weights of the hub, or of the project's own folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from rushes.catalogue.load import find_model
from rushes.catalogue.source import FolderSource
from rushes.errors import LockRefused, WeightsMissing
from rushes.hub import find_checkpoint, list_files, locate_file
from rushes.hub.pull import pull_model
from rushes.lock import (
    Lock,
    check_weights,
    lock_model,
    pin_locked,
    read_lock,
    write_lock,
)
from rushes.store.store import Store
from tests.hub.conftest import NEEDED, WAN
from tests.hub.fake_hub import COMMIT, FakeHub

MODEL = find_model("wan-2.1-1.3b")
LATER = "b" * 40


def quiet(text: str) -> None:
    pass


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_the_lock_names_the_commit_and_every_file(hub: FakeHub, store: Store) -> None:
    pull_model(MODEL, quiet)
    locked = lock_model(MODEL, store)
    assert locked.revision == COMMIT
    assert locked.source == f"hub:{WAN}"
    assert set(locked.files) == NEEDED
    assert locked.others == {}


def test_the_lock_survives_its_file(hub: FakeHub, store: Store, tmp_path: Path) -> None:
    pull_model(MODEL, quiet)
    lock = Lock(1, {MODEL.id: lock_model(MODEL, store)}, {})
    write_lock(tmp_path, lock)
    assert read_lock(tmp_path) == lock
    assert "others" not in (tmp_path / "rushes.lock").read_text()


def test_missing_weights_say_what_to_run(cache: Path, store: Store) -> None:
    with pytest.raises(WeightsMissing) as caught:
        lock_model(MODEL, store)
    assert caught.value.exit_code == 3
    assert caught.value.hint == "fetch them with: rushes models pull wan-2.1-1.3b"


def test_a_branch_that_moved_leaves_the_locked_commit(hub: FakeHub, store: Store) -> None:
    pull_model(MODEL, quiet)
    lock = Lock(1, {MODEL.id: lock_model(MODEL, store)}, {})
    hub.repos[WAN].commit = LATER
    hub.repos[WAN].files["vae/diffusion_pytorch_model.safetensors"] = b"later"
    pull_model(MODEL, quiet)
    assert lock_model(MODEL, store).revision == LATER
    check_weights([MODEL], lock, store)
    pinned = find_checkpoint(pin_locked(MODEL, lock.models[MODEL.id]))
    assert (pinned / "vae/diffusion_pytorch_model.safetensors").read_bytes() != b"later"
    assert pinned != find_checkpoint(MODEL)


def test_planning_does_without_locked_weights(hub: FakeHub, store: Store, cache: Path) -> None:
    pull_model(MODEL, quiet)
    lock = Lock(1, {MODEL.id: lock_model(MODEL, store)}, {})
    shutil.rmtree(cache)
    with pytest.raises(WeightsMissing):
        check_weights([MODEL], lock, store)
    check_weights([MODEL], lock, store, needed=False)


def test_changed_weights_are_refused(hub: FakeHub, store: Store) -> None:
    folder = pull_model(MODEL, quiet).folder
    lock = Lock(1, {MODEL.id: lock_model(MODEL, store)}, {})
    (folder / "vae/config.json").resolve().write_bytes(b"{}")
    with pytest.raises(LockRefused, match=r"vae/config\.json differs"):
        check_weights([MODEL], lock, store)


@pytest.fixture
def own(hub: FakeHub, tmp_path: Path) -> Path:
    """A checkpoint in a folder of the project, one part of it a link to a folder."""
    folder = tmp_path / "own"
    shutil.copytree(pull_model(MODEL, quiet).folder, folder)
    (folder / "vae").rename(tmp_path / "vae")
    (folder / "vae").symlink_to(tmp_path / "vae")
    return folder


def of_folder(path: Path) -> object:
    return msgspec.structs.replace(MODEL, name="mine", source=FolderSource(str(path), path.name))


def test_a_folder_of_the_project_is_locked_by_its_files(own: Path, store: Store) -> None:
    locked = lock_model(of_folder(own), store)  # type: ignore[arg-type]
    assert locked.revision == "local"
    assert locked.source == "folder:own"
    assert set(locked.files) == NEEDED


def test_a_folder_with_pickles_only_is_refused(own: Path) -> None:
    for path in (own / "text_encoder").glob("*.safetensors"):
        path.unlink()
    (own / "text_encoder/pytorch_model.bin").write_bytes(b"")
    with pytest.raises(LockRefused, match="text_encoder holds pickled weights only") as caught:
        find_checkpoint(of_folder(own))  # type: ignore[arg-type]
    assert "convert" in (caught.value.hint or "")


def test_a_folder_that_lacks_a_part_is_refused(own: Path) -> None:
    shutil.rmtree(own / "transformer")
    with pytest.raises(LockRefused, match="no weights of transformer"):
        find_checkpoint(of_folder(own))  # type: ignore[arg-type]


def test_a_folder_in_another_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"there is no model_index\.json"):
        find_checkpoint(of_folder(tmp_path))  # type: ignore[arg-type]


@pytest.fixture
def family(monkeypatch: pytest.MonkeyPatch) -> type:
    class OneFile:
        reads_single_file = True

    monkeypatch.setattr("rushes.hub.find.find_family", lambda name: OneFile)
    return OneFile


def test_a_single_file_is_for_families_that_read_it(
    family: type, tmp_path: Path, store: Store
) -> None:
    file = tmp_path / "wan.safetensors"
    file.write_bytes(b"weights")
    model = of_folder(file)
    assert find_checkpoint(model) == file  # type: ignore[arg-type]
    assert list_files(file) == ["wan.safetensors"]
    assert locate_file(file, "wan.safetensors") == file
    assert set(lock_model(model, store).files) == {"wan.safetensors"}  # type: ignore[arg-type]
    family.reads_single_file = False  # type: ignore[attr-defined]
    with pytest.raises(LockRefused, match="cannot be read from a single file"):
        find_checkpoint(model)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["wan.ckpt", "wan.pt"])
def test_a_single_file_of_another_kind_is_refused(family: type, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"weights")
    with pytest.raises(LockRefused) as caught:
        find_checkpoint(of_folder(tmp_path / name))  # type: ignore[arg-type]
    assert caught.value.hint == "only safetensors files are loaded"
