"""NVFP4 as storage: four bits a weight, with a scale for every sixteen of them.

A number is E2M1 (sign, two bits of exponent, one of mantissa: 0, 0.5, 1, 1.5, 2, 3, 4, 6). Each
run of sixteen along a row has a scale in float8 (e4m3), the tensor one more in float32, as NVIDIA's
format has it. A layer is widened row by row while it runs, and multiplies in its input's own type:
so it runs on every device. Blackwell's own FP4 arithmetic is not used.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import nn

GROUP = 16
"""Weights that share a scale."""
LARGEST = 6.0
"""The largest E2M1 number."""
SCALE_MAX, SCALE_MIN = 448.0, 2.0**-6
"""Of e4m3: the largest number, and the smallest that is not subnormal."""
PIECE = 1 << 22
"""Weights that are packed or widened at once: what they need on the way stays small."""


def _bounds() -> torch.Tensor:
    """Where E2M1 numbers part; halfway goes to the one whose mantissa is even."""
    halves = torch.tensor([0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0])
    below = torch.nextafter(halves, torch.zeros(()))
    up = torch.tensor([False, True, False, True, False, True, False])
    return torch.where(up, below, halves)


class Nvfp4Linear(nn.Linear):
    """A linear layer whose weight is NVFP4: ``weight`` (out, groups * 8) int8, two numbers a byte,
    the first in the low half; ``scales`` (out, groups) e4m3; ``scale`` () float32."""

    scales: torch.Tensor
    scale: torch.Tensor

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """(…, in) → (…, out), in the input's dtype."""
        return nn.functional.linear(input, self.widen(input.dtype), self.bias)

    def widen(self, dtype: torch.dtype) -> torch.Tensor:
        """The weight, (out, in)."""
        wide = torch.empty(
            (self.out_features, self.in_features), dtype=dtype, device=self.weight.device
        )
        rows = max(PIECE // self.in_features, 1)
        for start in range(0, self.out_features, rows):
            part = slice(start, start + rows)
            numbers = unpack_numbers(self.weight[part])
            scaled = numbers.unflatten(1, (-1, GROUP)).mul_(
                (self.scales[part].float() * self.scale)[..., None]
            )
            wide[part] = scaled.flatten(1)[:, : self.in_features]
            del numbers, scaled  # before the next ones are made
        return wide


def pack_linear(layer: nn.Linear) -> None:
    """Round a layer's weight to NVFP4, in place."""
    weight = layer.weight.data
    largest = weight.abs().amax().float()
    scale = (largest / (LARGEST * SCALE_MAX)).clamp(min=1e-30)
    rows = max(PIECE // layer.in_features, 1)
    packed = [pack_rows(piece.float(), scale) for piece in weight.split(rows)]
    numbers = torch.cat([piece for piece, _ in packed])
    layer.weight = nn.Parameter(numbers, requires_grad=False)
    layer.register_buffer("scales", torch.cat([scales for _, scales in packed]))
    layer.register_buffer("scale", scale)
    layer.__class__ = Nvfp4Linear


def pack_rows(weight: torch.Tensor, scale: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows (n, in) float32 as NVFP4 beside the tensor's scale: numbers (n, groups * 8) int8 and
    scales (n, groups) e4m3. The last group of a row is filled up with zeros."""
    short = -weight.shape[1] % GROUP
    groups = nn.functional.pad(weight, (0, short)).unflatten(1, (-1, GROUP))
    scales = (groups.abs().amax(2) / LARGEST / scale).clamp(SCALE_MIN, SCALE_MAX)
    scales = scales.to(torch.float8_e4m3fn)
    scaled = (groups * ((1.0 / scale) / scales.float())[..., None]).flatten(1)
    bounds = _bounds().to(weight.device)
    codes = torch.bucketize(scaled.abs(), bounds, out_int32=True).to(torch.uint8)
    codes |= torch.signbit(scaled).to(torch.uint8) << 3
    return (codes[:, ::2] | codes[:, 1::2] << 4).view(torch.int8), scales


def unpack_numbers(packed: torch.Tensor) -> torch.Tensor:
    """E2M1 numbers (n, 2 k) float32 of (n, k) bytes."""
    pairs = make_pairs().to(packed.device)
    return nn.functional.embedding(packed.view(torch.uint8).int(), pairs).flatten(1)


@cache
def make_pairs() -> torch.Tensor:
    """(256, 2) float32: the two numbers of every byte."""
    numbers = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0])
    numbers = torch.cat([numbers, -numbers])
    codes = torch.arange(256)
    return torch.stack([numbers[codes & 15], numbers[codes >> 4]], 1)
