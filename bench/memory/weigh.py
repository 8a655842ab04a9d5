"""Bytes of a part's parameters and buffers, and of the pieces in which they can be moved."""

from __future__ import annotations

from typing import Any

import torch

from rushes.catalogue.footprint import Weights
from rushes.models.placing import castable_layers, find_blocks


def weigh(part: torch.nn.Module) -> Weights:
    """The weights of a part as it lies on a device."""
    castable = castable_layers(part)
    blocks = find_blocks(part)
    sizes = [nbytes_of(block) for block in blocks]
    narrow = [_castable_in(block, castable) for block in blocks]
    leaves = [nbytes_of(m) for m in part.modules() if not any(True for _ in m.children())]
    counted = castable[0].weight if castable else next(iter(part.parameters()))
    return Weights(
        nbytes=nbytes_of(part),
        width=counted.element_size(),
        castable=sum(_weight_of(layer) for layer in castable),
        widest=max((_weight_of(layer) for layer in castable), default=0),
        leaf=max(leaves),
        blocks=len(blocks),
        block=max(sizes, default=0),
        block_castable=narrow[sizes.index(max(sizes))] if sizes else 0,
        streamed=sum(sizes),
        streamed_castable=sum(narrow),
    )


def nbytes_of(module: Any) -> int:
    """Bytes of every parameter and buffer, each storage once."""
    tensors = [*module.parameters(), *module.buffers()]
    return sum({id(tensor): tensor.nbytes for tensor in tensors}.values())


def _weight_of(layer: Any) -> int:
    return sum(parameter.nbytes for parameter in layer.parameters(recurse=False))


def _castable_in(block: Any, castable: list[Any]) -> int:
    inside = {id(module) for module in block.modules()}
    return sum(_weight_of(layer) for layer in castable if id(layer) in inside)
