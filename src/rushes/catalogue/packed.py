"""GGUF files: what their headers say of the tensors in them. Reads no weights, needs no torch."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

from rushes.catalogue.footprint import Weights

TYPES = frozenset({
    "F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K",
    "Q6_K", "IQ4_NL", "IQ4_XS",
})  # fmt: skip
"""What diffusers 0.42 unpacks (``SUPPORTED_GGUF_QUANT_TYPES``), and what is not packed at all."""

_BLOCK = re.compile(r"(?:model\.)?(?:diffusion_model\.)?([a-z_]*blocks\.\d+)\.")
"""A repeated block of a transformer, in the authors' layout or diffusers'."""


class Packed(Struct, frozen=True):
    """The tensors of a file, in bytes as they are stored.

    Args:
        leaf: the largest tensor; ``widest``: how many numbers the largest one unpacks to.
        block: the largest repeated block; ``blocks`` of them, ``streamed`` together.
        strange: types that cannot be unpacked.
    """

    nbytes: int
    leaf: int
    widest: int
    blocks: int
    block: int
    streamed: int
    strange: tuple[str, ...]

    def weigh(self, width: int) -> Weights:
        """As a footprint has it: every layer is unpacked to float32, then to ``width`` bytes."""
        return Weights(
            nbytes=self.nbytes, width=width, widest=self.widest * (4 + width), leaf=self.leaf,
            blocks=self.blocks, block=self.block, streamed=self.streamed, packed=True,
        )  # fmt: skip


def can_read_packed() -> bool:
    """Whether the package that reads GGUF is installed: the extra ``rushes[gguf]``."""
    return find_spec("gguf") is not None


def read_packed(path: Path) -> Packed:
    """The header of a file.

    Raises:
        ValueError: it is not a GGUF file, or not a whole one.
        OSError: it cannot be read.
    """
    state = path.stat()
    return _read(str(path), state.st_mtime_ns, state.st_size)


@cache
def _read(path: str, mtime_ns: int, size: int) -> Packed:
    from gguf import GGUFReader

    try:
        tensors = GGUFReader(path).tensors
    except (ValueError, KeyError, IndexError, UnicodeDecodeError, OverflowError) as exc:
        raise ValueError(f"not a whole GGUF file: {exc}") from exc
    blocks: defaultdict[str, int] = defaultdict(int)
    for tensor in tensors:
        if found := _BLOCK.match(tensor.name):
            blocks[found[1]] += int(tensor.n_bytes)
    return Packed(
        nbytes=sum(int(t.n_bytes) for t in tensors),
        leaf=max((int(t.n_bytes) for t in tensors), default=0),
        widest=max((int(t.n_elements) for t in tensors), default=0),
        blocks=len(blocks),
        block=max(blocks.values(), default=0),
        streamed=sum(blocks.values()),
        strange=tuple(sorted({t.tensor_type.name for t in tensors} - TYPES)),
    )
