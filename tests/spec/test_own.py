"""[models.NAME]: a folder, or single files for the denoisers of a catalogue entry."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest

from rushes.catalogue.load import find_model
from rushes.catalogue.model import Model
from rushes.catalogue.source import FilesSource, FolderSource
from rushes.spec import own
from tests.media_files import write_picture
from tests.spec.tools import error_of, read

HEAD = '[project]\nname = "p"\nmodel = "own"\n[shots.one]\nprompt = "a ball"\n[models.own]\n'


def write_gguf(path: Path, kind: str = "Q8_0") -> None:
    packed = gguf.GGMLQuantizationType[kind]
    block, size = gguf.GGML_QUANT_SIZES[packed]
    writer = gguf.GGUFWriter(str(path), "wan")
    data = np.zeros((4, 2 * size), np.uint8)
    writer.add_tensor("blocks.0.self_attn.q.weight", data, raw_dtype=packed)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert block


def model_of(folder: Path, lines: str, text: str = HEAD) -> Model:
    return read(folder, text + lines).shots["one"].model


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name in ("a.safetensors", "b.safetensors", "a.ckpt"):
        (tmp_path / name).write_bytes(b"weights")
    write_gguf(tmp_path / "a.gguf")
    return tmp_path


@pytest.mark.parametrize("name", ["a.safetensors", "a.gguf"])
@pytest.mark.parametrize(
    "like", ["sprite", "ltx-2", "wan-2.1-14b", "wan-2.1-vace-14b", "hunyuan-video"]
)
def test_a_file_stands_for_the_transformer(name: str, like: str, files: Path) -> None:
    model = model_of(files, f'like = "{like}"\npath = "{name}"\n')
    assert isinstance(model.source, FilesSource)
    assert model.source.paths == {"transformer": str(files / name)}
    assert model.source.base == find_model(like).source
    assert name in model.source.label
    assert model.like == like


def test_the_rest_is_that_of_the_checkpoint_that_the_shot_takes(files: Path) -> None:
    write_picture(files / "start.png")
    text = HEAD.replace("[models", 'image = "start.png"\n[models')
    model = model_of(files, 'like = "wan-2.1-14b"\npath = "a.safetensors"\n', text)
    assert model.choice == "i2v"
    assert isinstance(model.source, FilesSource)
    assert model.source.base == find_model("wan-2.1-14b").variants["i2v"].source


def test_two_experts_take_two_files(files: Path) -> None:
    lines = 'like = "wan-2.2-a14b"\npath = "a.gguf"\n'
    assert "path_2" in (error_of(files, HEAD + lines).hint or "")
    source = model_of(files, lines + 'path_2 = "b.safetensors"\n').source
    assert isinstance(source, FilesSource)
    assert [Path(path).name for path in source.paths.values()] == ["a.gguf", "b.safetensors"]
    assert list(source.paths) == ["transformer", "transformer_2"]


@pytest.mark.parametrize(
    ("like", "path", "said"),
    [
        ("wan-2.1-14b", "a.safetensors", "no second expert"),
        ("wan-2.2-a14b", "a.ckpt", "stands for one part"),
        ("wan-2.1-14b", ".", "stands for one part"),
    ],
)
def test_a_second_file_without_use_is_refused(like: str, path: str, said: str, files: Path) -> None:
    lines = f'like = "{like}"\npath = "{path}"\npath_2 = "b.safetensors"\n'
    error = error_of(files, HEAD + lines)
    assert said in error.message
    assert error.where == "rushes.toml:9"


@pytest.mark.parametrize("like", ["cogvideox-5b", "hunyuan-video-1.5"])
def test_what_diffusers_does_not_read_stays_a_folder(like: str, files: Path) -> None:
    source = model_of(files, f'like = "{like}"\npath = "a.safetensors"\n').source
    assert isinstance(source, FolderSource)  # opening it is refused, see tests/hub


@pytest.mark.parametrize("content", [b"", b"GGUF", b"GGUF\x03\0\0\0" + b"\xff" * 16, b"x" * 64])
def test_what_is_no_gguf_file_is_one_error(content: bytes, files: Path) -> None:
    (files / "a.gguf").write_bytes(content)
    error = error_of(files, HEAD + 'like = "wan-2.1-14b"\npath = "a.gguf"\n')
    assert "'a.gguf' cannot be read" in error.message
    assert error.where == "rushes.toml:8"


def test_a_cut_gguf_file_is_one_error(files: Path) -> None:
    path = files / "a.gguf"
    path.write_bytes(path.read_bytes()[:-40])
    error = error_of(files, HEAD + 'like = "wan-2.1-14b"\npath = "a.gguf"\n')
    assert "cannot be read" in error.message


def test_types_that_cannot_be_unpacked_are_refused(files: Path) -> None:
    write_gguf(files / "a.gguf", "IQ2_XXS")
    error = error_of(files, HEAD + 'like = "wan-2.1-14b"\npath = "a.gguf"\n')
    assert "IQ2_XXS" in error.message
    assert "Q4_K" in (error.hint or "")


def test_without_the_package_the_extra_is_named(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own, "can_read_packed", lambda: False)
    error = error_of(files, HEAD + 'like = "wan-2.1-14b"\npath = "a.gguf"\n')
    assert error.hint == "pip install 'rushes[gguf]'"


def test_a_packed_transformer_is_not_quantised_again(files: Path) -> None:
    lines = 'like = "wan-2.1-14b"\npath = "a.gguf"\n'
    defaults = '[defaults]\nquantisation = "fp8"\n'
    assert "no transformer of own" in error_of(files, HEAD + lines + defaults).message
    model = model_of(files, lines + '[defaults]\nquantisation = { text_encoder = "fp8" }\n')
    assert model.stated is not None
    assert model.stated.numerics == {"text_encoder": "fp8"}
