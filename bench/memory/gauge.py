"""Seconds and bytes of work: on a GPU by PyTorch's counters, on a CPU by its allocator."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from bench.memory.meter import measure_allocations
from bench.memory.weigh import nbytes_of
from rushes.catalogue.device import Device, find_device
from rushes.run.machine import describe_gpu


class Gauge:
    """Measures on one device.

    Args:
        device: ``cpu``, or a CUDA device by its number: ``cuda:0``.
    """

    def __init__(self, device: str) -> None:
        self.device = device
        self.cuda = device != "cpu"
        self.title = torch.cuda.get_device_name(device) if self.cuda else "cpu"

    def describe(self) -> Device:
        """The device as plans know it."""
        if not self.cuda:
            return find_device("cpu")
        card = describe_gpu(torch.device(self.device).index or 0)
        assert card is not None
        return card

    @contextmanager
    def hold_to(self, nbytes: int) -> Iterator[None]:
        """PyTorch may allocate so much and no more; on a CPU nothing holds it."""
        if not self.cuda:
            yield
            return
        total = torch.cuda.get_device_properties(self.device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(nbytes / total, 1.0), self.device)
        try:
            yield
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0, self.device)

    def time(self, work: Callable[[], Any]) -> float:
        """Seconds of work, until the device is done with it."""
        self._wait()
        start = time.perf_counter()
        work()
        self._wait()
        return round(time.perf_counter() - start, 3)

    def measure(self, work: Callable[[], Any], loaded: Any) -> dict[str, Any]:
        """Its seconds, and the most bytes that were allocated, weights included.

        Args:
            loaded: the opened model, whose parts lie in the CPU's memory.
        """
        if not self.cuda:
            seconds = self.time(work)
            parts = [shelf.module for shelf in loaded._shelves.values() if shelf.here]
            lying = sum(nbytes_of(part) for part in parts)
            return {"seconds": seconds, "measured_bytes": lying + measure_allocations(work)}
        torch.cuda.reset_peak_memory_stats(self.device)
        seconds = self.time(work)
        return {
            "seconds": seconds,
            "measured_bytes": torch.cuda.max_memory_allocated(self.device),
            "reserved_bytes": torch.cuda.max_memory_reserved(self.device),
        }

    def _wait(self) -> None:
        if self.cuda:
            torch.cuda.synchronize(self.device)
