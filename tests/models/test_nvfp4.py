"""NVFP4 as storage: its numbers, its scales, and what a layer gives with them."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.memory.meter import measure_allocations
from rushes.models import nvfp4
from rushes.models.nvfp4 import GROUP, Nvfp4Linear, make_pairs, pack_linear, pack_rows
from rushes.models.nvfp4 import unpack_numbers as unpack
from rushes.plan.memory.predict import NVFP4_PIECE, NVFP4_SCRATCH

NUMBERS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)

TORCHAO_NUMBERS = [
    [255, 238, 205, 154, 33, 84, 102, 119], [16, 34, 67, 84, 101, 102, 118, 119],
]  # fmt: skip
TORCHAO_SCALES = [[126], [107]]


def make_layer(rows: int, columns: int, size: float = 1.0) -> torch.nn.Linear:
    layer = torch.nn.Linear(columns, rows)
    layer.weight.data = torch.randn(rows, columns, generator=torch.manual_seed(0)) * size
    return layer


def test_a_byte_is_two_numbers_the_first_in_the_low_half() -> None:
    codes = [low | high << 4 for high in range(16) for low in range(16)]
    signed = [*NUMBERS, *(-n for n in NUMBERS)]
    assert codes == list(range(256))
    assert make_pairs().tolist() == [[signed[c & 15], signed[c >> 4]] for c in codes]


def test_numbers_that_it_has_are_kept_and_halfway_goes_to_the_even_one() -> None:
    one = torch.ones(())
    row = torch.tensor([[*NUMBERS, *(-n for n in NUMBERS)]])
    packed, scales = pack_rows(row, one)
    assert torch.equal(unpack(packed), row)
    assert scales.float().tolist() == [[1.0]]
    halves = torch.tensor([[0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0, 6.0] * 2])
    packed, _ = pack_rows(halves, one)
    assert unpack(packed)[0, :8].tolist() == [0.0, 1.0, 1.0, 2.0, 2.0, 4.0, 4.0, 6.0]


def test_bytes_are_those_of_torchao() -> None:
    """Of torchao 0.18's ``nvfp4_quantize`` with the tensor's scale, run beside this once."""
    weight = torch.tensor([[0.1 * n - 0.75 for n in range(16)], [0.01 * n for n in range(16)]])
    scale = weight.abs().amax() / (6 * 448)
    packed, scales = pack_rows(weight, scale)
    assert packed.view(torch.uint8).tolist() == TORCHAO_NUMBERS
    assert scales.view(torch.uint8).tolist() == TORCHAO_SCALES
    torchao = pytest.importorskip("torchao.prototype.mx_formats.nvfp4_tensor")
    large = make_layer(33, 256, 0.02).weight.data
    scale = large.abs().amax() / (6 * 448)
    theirs = torchao.nvfp4_quantize(large, 16, scale)
    mine = pack_rows(large, scale)
    assert torch.equal(mine[0].view(torch.uint8), theirs[1])
    assert torch.equal(mine[1].view(torch.uint8), theirs[0].view(torch.uint8))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.integers(1, 70), st.floats(1e-6, 1e4))
def test_no_weight_is_further_off_than_its_group_allows(
    rows: int, columns: int, size: float
) -> None:
    layer = make_layer(rows, columns, size)
    before = layer.weight.data.clone()
    pack_linear(layer)
    assert isinstance(layer, Nvfp4Linear)
    after = layer.widen(torch.float32)
    assert after.shape == before.shape
    padded = torch.nn.functional.pad(before, (0, -columns % GROUP)).unflatten(1, (-1, GROUP))
    largest = padded.abs().amax(2, keepdim=True).expand_as(padded).flatten(1)[:, :columns]
    # half of the widest gap (4 to 6), and the scale's own rounding, whose smallest is 2 ** -6
    floor = 2.0**-6 * float(before.abs().amax()) / 448
    assert ((after - before).abs() <= largest * (1 / 6 + 1 / 16) + floor).all()


def test_zeros_stay_zeros() -> None:
    layer = torch.nn.Linear(32, 4)
    layer.weight.data.zero_()
    pack_linear(layer)
    assert not layer.widen(torch.float32).any()  # type: ignore[operator]


def test_a_layer_multiplies_by_what_it_widens_to(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = make_layer(48, 80)
    pack_linear(layer)
    assert isinstance(layer, Nvfp4Linear)
    given = torch.randn(2, 3, 80)
    whole = layer(given)
    wide = layer.widen(given.dtype)
    assert torch.equal(whole, torch.nn.functional.linear(given, wide, layer.bias))
    monkeypatch.setattr(nvfp4, "PIECE", 160)
    assert torch.equal(layer(given), whole)


def test_stored_bytes_and_what_widening_takes() -> None:
    layer = make_layer(512, 1024)
    pack_linear(layer)
    assert isinstance(layer, Nvfp4Linear)
    stored = layer.weight.nbytes + layer.scales.nbytes
    assert stored == 512 * 1024 * 9 // 16
    with torch.no_grad():
        taken = measure_allocations(lambda: layer.widen(torch.bfloat16))
    predicted = 512 * 1024 * (2 + NVFP4_SCRATCH)
    assert nvfp4.PIECE == NVFP4_PIECE
    assert abs(predicted / taken - 1) < 0.1
