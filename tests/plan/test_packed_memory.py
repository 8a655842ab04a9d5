"""The memory of GGUF transformers: planned by the tensors that the file says it holds."""

from __future__ import annotations

from pathlib import Path

import gguf
import msgspec
import numpy as np
import pytest

from rushes.catalogue.device import find_device
from rushes.catalogue.footprint import find_footprint
from rushes.catalogue.load import find_model
from rushes.catalogue.model import Model
from rushes.catalogue.packed import read_packed
from rushes.catalogue.source import FilesSource
from rushes.plan.memory.fit import Target
from rushes.plan.memory.restate import find_stated_footprint
from rushes.plan.memory.standard import plan_shots, standard_shot

WAN = find_model("wan-2.1-14b")


@pytest.fixture
def model(tmp_path: Path) -> Model:
    """Forty blocks of one Q4_0 matrix, and one beside them."""
    writer = gguf.GGUFWriter(str(tmp_path / "a.gguf"), "wan")
    packed = np.zeros((64, 18 * 4), np.uint8)  # 32 numbers in 18 bytes
    for n in range(40):
        name = f"blocks.{n}.ffn.0.weight"
        writer.add_tensor(name, packed, raw_dtype=gguf.GGMLQuantizationType.Q4_0)
    writer.add_tensor("patch_embedding.weight", np.zeros((100, 10), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    source = FilesSource(WAN.source, {"transformer": str(tmp_path / "a.gguf")}, ["a.gguf"])  # type: ignore[arg-type]
    return msgspec.structs.replace(WAN, name="own", source=source, like=WAN.id)


def test_bytes_are_those_of_the_file(model: Model) -> None:
    footprint, plain = find_stated_footprint(model), find_footprint(WAN)
    assert footprint is not None
    assert plain is not None
    part = footprint.parts["transformer"]
    assert part.nbytes == 40 * 64 * 72 + 4000
    assert (part.blocks, part.block, part.streamed) == (40, 64 * 72, 40 * 64 * 72)
    assert part.widest == 64 * 128 * (4 + 2)  # unpacked to float32, then bfloat16
    assert part.packed
    assert footprint.parts["text_encoder"] == plain.parts["text_encoder"]
    assert footprint.stages == plain.stages


def test_it_is_placed_in_every_way_and_not_cast_again(model: Model) -> None:
    memory = plan_shots([standard_shot(model)], Target(find_device("rtx3060"), 9 * 10**9, "9GB"))
    assert "transformer" not in memory.numerics[model.id]
    denoise = next(c for c in memory.choices.values() if c.stage == "denoise")
    labels = [c.placement.label for c in denoise.candidates]
    assert labels == ["resident", "parts", "blocks+stream", "blocks", "leaves+stream", "leaves"]
    whole, streamed = denoise.candidates[1].prediction, denoise.candidates[2].prediction
    assert whole.weights == 40 * 64 * 72 + 4000
    assert streamed.weights == 4000 + 2 * 64 * 72
    assert whole.widened == 64 * 128 * 6


def test_a_file_that_changed_is_read_again(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    before = read_packed(path)
    path.write_bytes(path.read_bytes()[:64])
    with pytest.raises(ValueError, match="not a whole GGUF file"):
        read_packed(path)
    assert before.blocks == 40
