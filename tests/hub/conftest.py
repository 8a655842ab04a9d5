"""A hub of the test's own, and an empty Hugging Face cache."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.fake_hub import FakeHub, Repo

WAN = "Wan-AI/Wan2.1-T2V-1.3B-Diffusers"


def shards(stem: str, count: int) -> list[str]:
    return [f"{stem}-{n:05d}-of-{count:05d}.safetensors" for n in range(1, count + 1)]


def wan_files() -> dict[str, bytes]:
    """A repository like Wan's, with what must not be taken beside what must."""
    names = [
        "model_index.json", "scheduler/scheduler_config.json",
        "tokenizer/tokenizer.json", "tokenizer/spiece.model", "tokenizer/tokenizer_config.json",
        "text_encoder/config.json", "text_encoder/model.safetensors.index.json",
        *(f"text_encoder/{name}" for name in shards("model", 3)),
        "transformer/config.json", "transformer/diffusion_pytorch_model.safetensors.index.json",
        *(f"transformer/{name}" for name in shards("diffusion_pytorch_model", 2)),
        "vae/config.json", "vae/diffusion_pytorch_model.safetensors",
    ]  # fmt: skip
    beside = [
        "README.md", ".gitattributes", "modeling_wan.py", "wan-1.3b.safetensors",
        "text_encoder/pytorch_model.bin", "text_encoder/model.fp16.safetensors",
        "text_encoder/diffusion_pytorch_model.safetensors", "assets/logo.json",
        "vae/diffusion_pytorch_model.bin", "transformer_full/config.json",
        "transformer_full/diffusion_pytorch_model.safetensors",
    ]  # fmt: skip
    return {name: f"{name}\n".encode() * 500 for name in [*names, *beside]}


BESIDE = {
    "README.md", ".gitattributes", "modeling_wan.py", "wan-1.3b.safetensors",
    "text_encoder/pytorch_model.bin", "text_encoder/model.fp16.safetensors",
    "text_encoder/diffusion_pytorch_model.safetensors", "assets/logo.json",
    "vae/diffusion_pytorch_model.bin", "transformer_full/config.json",
    "transformer_full/diffusion_pytorch_model.safetensors",
}  # fmt: skip
NEEDED = set(wan_files()) - BESIDE


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Hugging Face cache."""
    from huggingface_hub import constants

    home = tmp_path / "huggingface"
    monkeypatch.setattr(constants, "HF_HOME", str(home))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return home / "hub"


@pytest.fixture
def hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub that has Wan 2.1 1.3B in small."""
    server = FakeHub()
    server.repos[WAN] = Repo(wan_files())
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    yield server
    server.close()


@pytest.fixture
def no_hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens where the hub should be."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free.getsockname()[1]}")
