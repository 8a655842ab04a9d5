"""What every model family must keep to: the built-in ones and those of plug-ins."""

from __future__ import annotations

from pathlib import Path

import pytest

from rushes.catalogue.load import find_model, model_names
from rushes.catalogue.source import PackageSource
from rushes.errors import UsageError
from rushes.hub import find_checkpoint, list_files
from rushes.models.base import find_family
from rushes.stages.registry import STAGES

PACKAGED = [n for n in model_names() if isinstance(find_model(n).source, PackageSource)]
LOADING = {name for name, stage in STAGES.items() if stage.loads_model}


@pytest.mark.parametrize("name", model_names())
def test_a_family_says_what_each_loading_stage_reads(name: str) -> None:
    model = find_model(name)
    family = find_family(model.family)
    other = "encode_given" if family.reads_given == "apart" else "encode_condition"
    silent = {"decode_audio"} if model.latents.audio is None else set()
    larger = set() if model.upscale is not None else {"upsample", "refine"}
    mends = set() if model.family == "ltx2" else {"repair"}  # a noise level for each token
    needed = LOADING - {other} - silent - larger - mends
    assert needed <= set(family.folders) <= LOADING - {other}
    named = {folder for folders in family.folders.values() for folder in folders}
    assert {part.folder for part in model.parts if part.source is None} <= named


@pytest.mark.parametrize("name", PACKAGED)
def test_folders_that_a_family_names_are_there(name: str) -> None:
    model = find_model(name)
    there = {path.split("/")[0] for path in list_files(find_checkpoint(model))}
    beside = set() if model.upscale is not None else {"latent_upsampler", "distilled_lora"}
    for stage, names in find_family(model.family).folders.items():
        assert set(names) - beside <= there, stage


@pytest.mark.parametrize("name", PACKAGED)
def test_opening_a_checkpoint_loads_nothing_yet(name: str) -> None:
    model = find_model(name)
    loaded = find_family(model.family).open(find_checkpoint(model), model, "cpu")
    assert dict(loaded.loads) == {}
    assert loaded.audio_rate == model.latents.audio.rate


@pytest.mark.parametrize("name", PACKAGED)
def test_the_catalogue_counts_the_parts_as_they_are(name: str) -> None:
    """Parameters of the entry against the tensors on the disk, buffers left out."""
    from safetensors import safe_open

    model = find_model(name)
    folder = find_checkpoint(model)
    for part in model.parts:
        total = 0
        for file in sorted((folder / part.folder).glob("*.safetensors")):
            with safe_open(file, "np") as tensors:
                shapes = [tensors.get_slice(key).get_shape() for key in tensors.keys()]  # noqa: SIM118
            total += sum(_count(shape) for shape in shapes)
        assert total == part.parameters, part.folder


def _count(shape: list[int]) -> int:
    product = 1
    for size in shape:
        product *= size
    return product


@pytest.mark.parametrize("name", PACKAGED)
def test_weights_are_safetensors_and_small(name: str) -> None:
    folder = find_checkpoint(find_model(name))
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert not [path for path in files if path.suffix in (".bin", ".pt", ".pkl", ".ckpt", ".py")]
    assert sum(path.stat().st_size for path in files) <= 25_000_000


def test_an_unknown_family_is_a_clear_error() -> None:
    with pytest.raises(UsageError, match="model family 'nonesuch'"):
        find_family("nonesuch")


PLUG_IN = """
class Family:
    folders = {}

    def open(self, folder, model, device):
        return None
"""


def test_a_plug_in_enters_by_the_same_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "toy-1.0.dist-info"
    info.mkdir()
    (tmp_path / "toy_family.py").write_text(PLUG_IN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[rushes.models]\ntoy = toy_family:Family\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert find_family("toy").folders == {}
