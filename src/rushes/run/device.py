"""The device that a worker works on: its memory, its cores, and whose turn it is."""

from __future__ import annotations

import os
import resource
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from rushes.stages.base import Stage
from rushes.store.locks import hold_lock


def limit_memory(device: str, limit: int | None) -> None:
    """Let PyTorch take no more of a GPU than this; what is asked for beyond it is an error."""
    if device.startswith("cuda"):
        import torch

        total = torch.cuda.get_device_properties(device).total_memory
        share = 1.0 if limit is None else min(max(limit, 1) / total, 1.0)
        torch.cuda.set_per_process_memory_fraction(share, device)


def reset_peak(device: str | None) -> None:
    """Start measuring the peak of memory anew."""
    if device is not None and device.startswith("cuda"):
        import torch

        torch.cuda.reset_peak_memory_stats(device)
        return
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def measure_peak(device: str | None) -> int:
    """Bytes at the peak since :func:`reset_peak`: device memory on CUDA, else resident memory."""
    if device is not None and device.startswith("cuda"):
        import torch

        return int(torch.cuda.max_memory_allocated(device))
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def hold_device(device: str) -> AbstractContextManager[None]:
    """One stage at a time on a device, whatever the store and the project.

    Two builds that share a GPU would share its memory; on a CPU, threads of OpenMP that spin for
    each other on cores that another build holds slow a denoise more than thirtyfold.
    """
    folder = Path(tempfile.gettempdir()) / f"rushes-{os.getuid()}"
    return hold_lock(folder / f"{device.replace(':', '-')}.lock")


@contextmanager
def share_cores(device: str, stage: Stage) -> Iterator[None]:
    """On a CPU, one thread less for a stage that leaves a core; always the same number of threads
    for the same stage, as the number may move the last bits."""
    if device != "cpu" or not stage.leaves_core:
        yield
        return
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(max(threads - 1, 1))
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def prepare_torch(device: str) -> str:
    """Import what every device stage needs, with algorithms that repeat.

    Returns:
        The device; ``auto`` becomes the first GPU that this torch can use, or ``cpu``.
    """
    import diffusers  # noqa: F401
    import torch

    if device == "auto":
        device = "cuda:0" if torch.cuda.is_available() else "cpu"
    torch.use_deterministic_algorithms(True, warn_only=device != "cpu")
    return device
