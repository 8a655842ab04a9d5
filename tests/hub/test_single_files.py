"""A transformer's file with the rest of a checkpoint of the hub: put together, locked, pinned."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from rushes.catalogue.load import find_config, find_model
from rushes.catalogue.model import Model
from rushes.catalogue.source import FilesSource
from rushes.errors import LockRefused, WeightsMissing
from rushes.hub import find_checkpoint, list_files
from rushes.hub.pull import pull_model
from rushes.lock import Lock, check_weights, lock_model, pin_locked
from rushes.plan.entries import pick_files
from rushes.store.store import Store
from tests.hub.conftest import NEEDED, WAN
from tests.hub.fake_hub import COMMIT, FakeHub

MODEL = find_model("wan-2.1-1.3b")
REST = [part for part in MODEL.parts if part.folder != "transformer"]
LATER = "b" * 40


def quiet(text: str) -> None:
    pass


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def own(path: Path) -> Model:
    assert not isinstance(MODEL.source, FilesSource)
    source = FilesSource(MODEL.source, {"transformer": str(path)}, [path.name])  # type: ignore[arg-type]
    return msgspec.structs.replace(MODEL, name="own", source=source, like=MODEL.name)


@pytest.mark.parametrize("suffix", [".safetensors", ".gguf"])
def test_the_rest_comes_from_the_hub(
    suffix: str, hub: FakeHub, tmp_path: Path, store: Store
) -> None:
    pull_model(msgspec.structs.replace(MODEL, parts=REST), quiet)
    assert not [path for _, path, _ in hub.requests if "/transformer/" in path]
    path = tmp_path / f"shared-by-someone{suffix}"
    path.write_bytes(b"weights")
    folder = find_checkpoint(own(path))
    single = f"transformer/single{suffix}"
    rest = {name for name in NEEDED if not name.startswith("transformer/")}
    assert set(list_files(folder)) == rest | {single, "transformer/config.json"}
    assert (folder / single).resolve() == path.resolve()
    part = next(part for part in MODEL.parts if part.folder == "transformer")
    assert json.loads((folder / "transformer/config.json").read_text()) == find_config(part)
    locked = lock_model(own(path), store)
    assert locked.revision == COMMIT
    assert locked.source == f"files:{path.name}+hub:{WAN}"
    assert single in pick_files(own(path), "denoise", locked.files)
    assert single not in pick_files(own(path), "encode_text", locked.files)


def test_what_is_missing_of_the_rest_says_what_to_run(cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"weights")
    with pytest.raises(WeightsMissing) as caught:
        find_checkpoint(own(path))
    hint = "fetch them with: rushes models pull wan-2.1-1.3b --without transformer"
    assert caught.value.hint == hint
    path.unlink()


def test_the_lock_holds_the_commit_and_the_file(hub: FakeHub, tmp_path: Path, store: Store) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"weights")
    pull_model(MODEL, quiet)
    model = own(path)
    lock = Lock(1, {model.id: lock_model(model, store)}, {})
    hub.repos[WAN].commit = LATER
    hub.repos[WAN].files["vae/diffusion_pytorch_model.safetensors"] = b"later"
    pull_model(MODEL, quiet)
    pinned = pin_locked(model, lock.models[model.id])
    assert pinned.source.revision == COMMIT
    check_weights([model], lock, store)
    path.write_bytes(b"others!")
    with pytest.raises(LockRefused, match=r"transformer/single\.safetensors differs"):
        check_weights([model], lock, store)
