"""Models carried in a file; files that lie are refused."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rushes.catalogue.load import find_model
from rushes.errors import HubError, UsageError, WeightsMissing
from rushes.hub import find_checkpoint, list_files
from rushes.hub.bundle import write_bundle
from rushes.hub.find import is_here
from rushes.hub.pull import pull_model
from rushes.hub.unbundle import read_bundle
from tests.hub.conftest import NEEDED, WAN
from tests.hub.fake_hub import COMMIT, FakeHub

MODEL = find_model("wan-2.1-1.3b")
Member = tuple[tarfile.TarInfo, bytes]


def quiet(text: str) -> None:
    pass


@pytest.fixture
def bundle(hub: FakeHub, tmp_path: Path) -> Path:
    pull_model(MODEL, quiet)
    path = tmp_path / "models.tar"
    write_bundle([MODEL], path, quiet)
    return path


@pytest.fixture
def elsewhere(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of another machine, which has no network."""
    from huggingface_hub import constants

    home = tmp_path / "elsewhere"
    monkeypatch.setattr(constants, "HF_HOME", str(home))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return home / "hub"


def test_a_bundle_carries_a_model_to_a_machine_without_a_network(
    bundle: Path, elsewhere: Path, hub: FakeHub
) -> None:
    assert not is_here(MODEL)
    hub.requests.clear()
    manifest = read_bundle(bundle, quiet)
    assert manifest.models == ["wan-2.1-1.3b"]
    assert hub.requests == []
    folder = find_checkpoint(MODEL)
    assert set(list_files(folder)) == NEEDED
    for name in NEEDED:
        assert (folder / name).read_bytes() == hub.repos[WAN].files[name]
    assert pull_model(MODEL, quiet).model.source.revision == COMMIT


def test_a_bundle_read_twice_changes_nothing(bundle: Path, elsewhere: Path) -> None:
    read_bundle(bundle, quiet)
    before = {path: path.stat().st_mtime_ns for path in elsewhere.rglob("*") if path.is_file()}
    read_bundle(bundle, quiet)
    after = {path: path.stat().st_mtime_ns for path in elsewhere.rglob("*") if path.is_file()}
    assert {p for p in after if p.parent.name != "refs" and after[p] != before.get(p)} == set()


def test_it_is_an_uncompressed_tar_with_its_manifest_first(bundle: Path) -> None:
    with tarfile.open(bundle, "r:") as tar:
        members = tar.getmembers()
        document = json.loads(tar.extractfile(members[0]).read())  # type: ignore[union-attr]
    assert members[0].name == "manifest.json"
    assert document["repos"][WAN]["commit"] == COMMIT
    assert {m.name for m in members[1:]} == {f"{WAN}/{name}" for name in NEEDED}


def test_the_same_models_give_the_same_bytes(bundle: Path, tmp_path: Path) -> None:
    write_bundle([MODEL], tmp_path / "again.tar", quiet)
    assert bundle.read_bytes() == (tmp_path / "again.tar").read_bytes()


def test_what_is_not_here_cannot_be_bundled(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing):
        write_bundle([MODEL], tmp_path / "models.tar", quiet)
    with pytest.raises(UsageError, match="travels in a package"):
        write_bundle([find_model("sprite")], tmp_path / "models.tar", quiet)
    assert list(tmp_path.glob("*.tar*")) == []


def test_a_bundle_is_not_written_over(bundle: Path) -> None:
    with pytest.raises(UsageError, match="exists already"):
        write_bundle([MODEL], bundle, quiet)


def rewrite(bundle: Path, change: Callable[[list[Member], dict[str, Any]], None]) -> Path:
    """The bundle with members or manifest changed."""
    with tarfile.open(bundle, "r:") as tar:
        members = [(m, tar.extractfile(m).read()) for m in tar.getmembers()]  # type: ignore[union-attr]
    manifest = json.loads(members.pop(0)[1])
    change(members, manifest)
    path = bundle.with_name("hostile.tar")
    text = json.dumps(manifest).encode()
    head = tarfile.TarInfo("manifest.json")
    with tarfile.open(path, "w:") as tar:
        for member, data in [(head, text), *members]:
            member.size = len(data) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(data))
    return path


def climb(members: list[Member], manifest: dict[str, Any]) -> None:
    files = manifest["repos"][WAN]["files"]
    files["../../../../escaped.json"] = files.pop("vae/config.json")
    for member, _ in members:
        if member.name == f"{WAN}/vae/config.json":
            member.name = f"{WAN}/../../../../escaped.json"


def absolute(members: list[Member], manifest: dict[str, Any]) -> None:
    files = manifest["repos"][WAN]["files"]
    files["/tmp/escaped.json"] = files.pop("vae/config.json")


def climb_by_commit(members: list[Member], manifest: dict[str, Any]) -> None:
    manifest["repos"][WAN]["commit"] = "../../../../escaped"


def climb_by_revision(members: list[Member], manifest: dict[str, Any]) -> None:
    manifest["repos"][WAN]["revision"] = "../../../escaped"


def link(members: list[Member], manifest: dict[str, Any]) -> None:
    for member, _ in members:
        if member.name == f"{WAN}/vae/config.json":
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"


def hard_link(members: list[Member], manifest: dict[str, Any]) -> None:
    for member, _ in members:
        if member.name == f"{WAN}/vae/config.json":
            member.type, member.linkname = tarfile.LNKTYPE, "/etc/passwd"


def other_bytes(members: list[Member], manifest: dict[str, Any]) -> None:
    members[0] = (members[0][0], b"?" * len(members[0][1]))


def other_size(members: list[Member], manifest: dict[str, Any]) -> None:
    members[0] = (members[0][0], members[0][1] + b"?")


def unnamed(members: list[Member], manifest: dict[str, Any]) -> None:
    members.append((tarfile.TarInfo("escaped.json"), b"{}"))


def twice(members: list[Member], manifest: dict[str, Any]) -> None:
    members.append(members[0])


def one_less(members: list[Member], manifest: dict[str, Any]) -> None:
    members.pop()


def not_whole(members: list[Member], manifest: dict[str, Any]) -> None:
    name = "vae/diffusion_pytorch_model.safetensors"
    del manifest["repos"][WAN]["files"][name]
    members[:] = [m for m in members if not m[0].name.endswith(name)]


def code(members: list[Member], manifest: dict[str, Any]) -> None:
    manifest["repos"][WAN]["files"]["modeling.py"] = {"sha256": "0" * 64, "nbytes": 1}


def unknown_repository(members: list[Member], manifest: dict[str, Any]) -> None:
    manifest["repos"]["google/other"] = manifest["repos"][WAN]


def unknown_model(members: list[Member], manifest: dict[str, Any]) -> None:
    manifest["models"].append("wan-9")


def later_version(members: list[Member], manifest: dict[str, Any]) -> None:
    manifest["version"] = 2


def no_repositories(members: list[Member], manifest: dict[str, Any]) -> None:
    del manifest["repos"]


CHANGES = [
    climb, absolute, climb_by_commit, climb_by_revision, link, hard_link, other_bytes, other_size,
    unnamed, twice, one_less, not_whole, code, unknown_repository, unknown_model, later_version,
    no_repositories,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_bundle_that_lies_is_refused(
    bundle: Path, elsewhere: Path, tmp_path: Path, change: Any
) -> None:
    path = rewrite(bundle, change)
    with pytest.raises(HubError, match=r"hostile\.tar is not a bundle that can be used") as caught:
        read_bundle(path, quiet)
    assert caught.value.hint is not None
    assert not is_here(MODEL)
    assert not list(tmp_path.rglob("*escaped*"))
    assert not list(elsewhere.rglob("refs/*"))
    assert not [
        p for p in elsewhere.rglob("*") if p.is_symlink() and "blobs" not in str(p.resolve())
    ]
    assert not list(elsewhere.rglob("*.incomplete"))


@pytest.mark.parametrize("cut", [0, 100, 3000, -5000], ids=str)
def test_a_bundle_that_was_cut_is_refused(bundle: Path, elsewhere: Path, cut: int) -> None:
    bundle.write_bytes(bundle.read_bytes()[:cut])
    with pytest.raises(HubError):
        read_bundle(bundle, quiet)
    assert not is_here(MODEL)


def test_a_compressed_tar_is_no_bundle(bundle: Path, elsewhere: Path, tmp_path: Path) -> None:
    path = tmp_path / "models.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        tar.add(bundle, "manifest.json")
    with pytest.raises(HubError):
        read_bundle(path, quiet)


def test_what_is_here_is_not_replaced(bundle: Path, elsewhere: Path) -> None:
    read_bundle(bundle, quiet)
    file = (find_checkpoint(MODEL) / "vae/config.json").resolve()
    file.write_bytes(b"mine")
    with pytest.raises(HubError, match="with other bytes"):
        read_bundle(bundle, quiet)
    assert file.read_bytes() == b"mine"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        read_bundle(tmp_path / "none.tar", quiet)
