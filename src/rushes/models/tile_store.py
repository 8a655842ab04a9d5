"""Decoded tiles that wait on the disk until all others of their frame are there."""

from __future__ import annotations

import tempfile
from types import TracebackType

import numpy as np
import torch

Place = tuple[int, np.dtype[np.generic], tuple[int, ...]]
"""Where a piece begins in the file, its type, and its shape."""


class TileStore:
    """A temporary file of tensors, gone with the store: neither memory of the device nor of the
    host grows with what is in it."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - __exit__ closes it
        self._end = 0

    def __enter__(self) -> TileStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def put(self, piece: torch.Tensor) -> Place:
        """Write a tensor of a type that numpy knows; gives its place.

        Raises:
            OSError: the disk is full.
        """
        array = np.ascontiguousarray(piece.cpu().numpy())
        place = self._end, array.dtype, array.shape
        self._file.seek(self._end)
        self._file.write(array.data)
        self._end += array.nbytes
        return place

    def get(self, place: Place, device: torch.device) -> torch.Tensor:
        """The tensor as it was put, on a device."""
        start, kind, shape = place
        self._file.seek(start)
        data = bytearray(self._file.read(int(np.prod(shape)) * kind.itemsize))
        return torch.from_numpy(np.frombuffer(data, kind).reshape(shape)).to(device)
