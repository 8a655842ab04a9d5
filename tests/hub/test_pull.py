"""Models come from the hub whole and checked, or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from rushes.catalogue.load import find_model, find_named
from rushes.errors import HubError, HubUnreachable, LockRefused, Refused, StoreFull, UsageError
from rushes.hub import find_checkpoint, list_files, locate_file
from rushes.hub.find import find_pieces, is_here
from rushes.hub.pull import pull_model
from tests.hub.conftest import NEEDED, WAN
from tests.hub.fake_hub import COMMIT, FakeHub, Repo

MODEL = find_model("wan-2.1-1.3b")


def quiet(text: str) -> None:
    pass


def test_a_model_is_fetched_and_put_together(hub: FakeHub, cache: Path) -> None:
    said: list[str] = []
    pulled = pull_model(MODEL, said.append)
    assert pulled.model.source.revision == COMMIT
    assert pulled.files == len(NEEDED)
    assert pulled.nbytes == pulled.fetched == sum(len(hub.repos[WAN].files[n]) for n in NEEDED)
    assert sorted(hub.fetched()) == sorted(NEEDED)
    assert find_checkpoint(MODEL) == pulled.folder
    assert set(list_files(pulled.folder)) == NEEDED
    for name in NEEDED:
        assert locate_file(pulled.folder, name).read_bytes() == hub.repos[WAN].files[name]
    assert (cache / "models--Wan-AI--Wan2.1-T2V-1.3B-Diffusers/refs/main").read_text() == COMMIT
    assert any(COMMIT[:12] in line for line in said)


def test_what_is_here_is_not_fetched_again(hub: FakeHub) -> None:
    pull_model(MODEL, quiet)
    hub.requests.clear()
    assert pull_model(MODEL, quiet).fetched == 0
    assert hub.fetched() == []


def test_a_broken_connection_is_taken_up_where_it_broke(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 100_000)
    name = "transformer/diffusion_pytorch_model-00001-of-00002.safetensors"
    hub.repos[WAN].files[name] = os.urandom(3_000_000)
    hub.repos[WAN].cut[name] = 1_000_000
    pulled = pull_model(MODEL, quiet)
    ranges = [r for method, path, r in hub.requests if path.endswith(name) and method == "GET"]
    assert len(ranges) == 2
    assert ranges[0] is None
    assert ranges[1] is not None
    assert 0 < int(ranges[1].removeprefix("bytes=").removesuffix("-")) <= 1_000_000
    assert (pulled.folder / name).read_bytes() == hub.repos[WAN].files[name]


def test_a_pull_that_failed_keeps_the_files_that_came(hub: FakeHub) -> None:
    hub.repos[WAN].broken.add("vae/diffusion_pytorch_model.safetensors")
    with pytest.raises(HubError, match="500"):
        pull_model(MODEL, quiet)
    assert not is_here(MODEL)
    before = set(hub.fetched())
    hub.requests.clear()
    pull_model(MODEL, quiet)
    assert "vae/diffusion_pytorch_model.safetensors" in hub.fetched()
    assert len(hub.fetched()) <= len(NEEDED) - len(before) + 1


@pytest.mark.parametrize(
    "name", ["vae/diffusion_pytorch_model.safetensors", "vae/config.json"], ids=["large", "small"]
)
def test_other_bytes_than_the_hub_names_are_refused_and_removed(hub: FakeHub, name: str) -> None:
    right = hub.repos[WAN].files[name]
    hub.repos[WAN].sent[name] = right[:-1] + b"?"
    with pytest.raises(HubError, match="not what the hub says") as caught:
        pull_model(MODEL, quiet)
    assert name in caught.value.message
    assert not is_here(MODEL)
    hub.repos[WAN].sent.clear()
    assert (pull_model(MODEL, quiet).folder / name).read_bytes() == right


def test_a_file_that_was_changed_here_is_fetched_again(hub: FakeHub) -> None:
    folder = pull_model(MODEL, quiet).folder
    file = (folder / "vae/diffusion_pytorch_model.safetensors").resolve()
    file.write_bytes(b"?" * file.stat().st_size)
    with pytest.raises(HubError, match="not what the hub says"):
        pull_model(MODEL, quiet)
    assert pull_model(MODEL, quiet).fetched == file.stat().st_size


def test_gated_weights_say_where_to_accept_their_terms(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repos[WAN].token = "hf_right"
    with pytest.raises(Refused, match="terms be accepted") as caught:
        pull_model(MODEL, quiet)
    assert caught.value.exit_code == 3
    assert caught.value.where == f"{hub.url}/{WAN}"
    assert "HF_TOKEN" in (caught.value.hint or "")
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    assert pull_model(MODEL, quiet).fetched


def test_a_repository_that_is_not_there(hub: FakeHub) -> None:
    del hub.repos[WAN]
    with pytest.raises(HubError, match=f"the hub has no {WAN}"):
        pull_model(MODEL, quiet)


def test_a_revision_that_is_not_there(hub: FakeHub) -> None:
    from rushes.hub import pin_model

    gone = pin_model(MODEL, {WAN: "f" * 40})
    with pytest.raises(HubError, match="no revision"):
        pull_model(gone, quiet)


def test_without_a_network(no_hub: None) -> None:
    with pytest.raises(HubUnreachable, match="cannot be reached") as caught:
        pull_model(MODEL, quiet)
    assert "bundle" in (caught.value.hint or "")


def test_offline_uses_what_is_here(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubUnreachable, match="HF_HUB_OFFLINE"):
        pull_model(MODEL, quiet)
    assert hub.requests == []
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    pull_model(MODEL, quiet)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    said: list[str] = []
    assert pull_model(MODEL, said.append).fetched == 0
    assert "already" in said[0]


def test_pickles_are_refused(hub: FakeHub) -> None:
    files = hub.repos[WAN].files
    del files["vae/diffusion_pytorch_model.safetensors"]
    with pytest.raises(LockRefused, match="vae holds pickled weights only"):
        pull_model(MODEL, quiet)
    assert hub.fetched() == []


def test_a_disk_without_room_is_seen_first(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    full = shutil.disk_usage("/")._replace(free=1_000_000_100)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    with pytest.raises(StoreFull, match="are to be fetched"):
        pull_model(MODEL, quiet)
    assert hub.fetched() == []


def test_what_travels_in_a_package_is_not_fetched() -> None:
    with pytest.raises(UsageError, match="does not come from the hub"):
        pull_model(find_model("sprite"), quiet)


def test_a_checkpoint_that_lacks_a_file_is_not_here(hub: FakeHub) -> None:
    folder = pull_model(MODEL, quiet).folder
    (folder / "text_encoder/model-00002-of-00003.safetensors").resolve().unlink()
    with pytest.raises(LockRefused, match="1 of 3 files of text_encoder are missing") as caught:
        find_checkpoint(MODEL)
    assert caught.value.hint == "fetch them with: rushes models pull wan-2.1-1.3b"


def test_parts_of_other_repositories_are_put_beside(hub: FakeHub) -> None:
    model = find_model("ltx-2.3")
    own = {"model_index.json": b"{}", "tokenizer/tokenizer.json": b"{}"}
    for part in model.parts:
        stem = "model" if part.folder == "text_encoder" else "diffusion_pytorch_model"
        if part.source is None:
            own[f"{part.folder}/config.json"] = b"{}"
            own[f"{part.folder}/{stem}.safetensors"] = part.folder.encode()
    lora = "ltx-2.3-22b-distilled-lora-384.safetensors"
    hub.repos["diffusers/LTX-2.3-Diffusers"] = Repo(own)
    hub.repos["Lightricks/LTX-2.3"] = Repo(
        {lora: b"lora", "ltx-2.3-22b-dev.safetensors": b"not this"}, commit="a" * 40
    )
    folder = pull_model(model, quiet).folder
    assert (folder / "distilled_lora" / lora).read_bytes() == b"lora"
    pieces = {piece.local: piece for piece in find_pieces(model)}
    assert pieces[f"distilled_lora/{lora}"].commit == "a" * 40
    assert pieces["vae/config.json"].commit == COMMIT
    assert len(pieces) == len(own) + 1


def test_a_variant_has_a_checkpoint_of_its_own(hub: FakeHub) -> None:
    model = find_named("wan-2.1-14b:i2v")
    files = {**hub.repos[WAN].files}
    files["image_encoder/config.json"] = b"{}"
    files["image_encoder/model.safetensors"] = b"clip"
    hub.repos["Wan-AI/Wan2.1-I2V-14B-480P-Diffusers"] = Repo(files)
    assert (pull_model(model, quiet).folder / "image_encoder/model.safetensors").exists()
    assert not is_here(find_model("wan-2.1-14b"))
