"""Checkpoints of a running denoise: whole or absent, and never older than the node itself."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rushes.store.files import map_os_errors, move_into_place

if TYPE_CHECKING:
    from rushes.models.base import Tensors

_SUM_BYTES = 32


class FileCheckpoint:
    """One file: SHA-256 of what follows, then safetensors.

    Args:
        path: named by the node's key, so that it can only ever be resumed by the same node.
        interval_seconds: the least time between two saves.
        scratch: a folder of the node's own on the same file system, where a save is written until
            it is whole: who is killed in the middle of one leaves it where scratch is swept.
    """

    def __init__(self, path: Path, interval_seconds: float, scratch: Path) -> None:
        self.path = path
        self._unfinished = scratch / ".checkpoint"
        self.interval_seconds = interval_seconds
        self.resumed_step: int | None = None
        self._saved_at = time.monotonic()

    def load(self) -> Tensors | None:
        """The saved state; a damaged file counts as none."""
        from safetensors.torch import load

        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        if hashlib.sha256(data[_SUM_BYTES:]).digest() != data[:_SUM_BYTES]:
            self.path.unlink(missing_ok=True)
            return None
        state: Tensors = load(data[_SUM_BYTES:])
        self.resumed_step = int(state["step"])
        return state

    def offer(self, make_state: Callable[[], Tensors]) -> None:
        """Save if the interval has passed since the last save."""
        if time.monotonic() - self._saved_at < self.interval_seconds:
            return
        from safetensors.torch import save

        state = {name: tensor.cpu().contiguous() for name, tensor in make_state().items()}
        data = save(state)
        with map_os_errors("saving a checkpoint", self.path):
            self._unfinished.write_bytes(hashlib.sha256(data).digest() + data)
            move_into_place(self._unfinished, self.path)
        self._saved_at = time.monotonic()

    def discard(self) -> None:
        """Remove the file, once the node's result is stored."""
        self.path.unlink(missing_ok=True)


class NoCheckpoint:
    """For what cannot go on from the middle: it begins anew."""

    def load(self) -> None:
        """Nothing was saved."""

    def offer(self, make_state: Callable[[], Tensors]) -> None:
        """Saves nothing."""
