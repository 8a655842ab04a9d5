"""Where a training runs, and batches that other processes draw ahead of it.

On a CPU two processes of one thread each train together and draw for themselves
(sprite/workers.py). A GPU is one process, which must not wait for numpy: `feed` draws its batches
in others.
"""

import argparse
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import fields, is_dataclass, replace
from itertools import count
from typing import Any, TypeVar

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

T = TypeVar("T")
AHEAD = 4  # batches that each feeder keeps ready


def add_options(parser: argparse.ArgumentParser) -> None:
    """`--device` and `--feeders`."""
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument(
        "--feeders", type=int, default=0, help="processes that draw batches; 0: the trainer itself"
    )


def check_workers(device: str, workers: int) -> None:
    """Refuses a GPU shared by several trainers.

    Raises:
        SystemExit: for more than one worker on a device other than the CPU.
    """
    if device != "cpu" and workers != 1:
        raise SystemExit(f"--workers {workers} with --device {device}: say --workers 1 --feeders N")


def move(value: Any, device: str) -> Any:
    """The same value with every tensor in it on the device: dataclasses, dicts, lists, tuples."""
    if isinstance(value, torch.Tensor):
        return value.to(device, non_blocking=True)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value, **{f.name: move(getattr(value, f.name), device) for f in fields(value)}
        )
    if isinstance(value, dict):
        return {k: move(v, device) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(move(v, device) for v in value)
    return value


def compute(device: str) -> AbstractContextManager:
    """bfloat16 for matrix products on a GPU and on a CPU that has instructions for them, float32 on
    other CPUs."""
    return torch.autocast(device, torch.bfloat16, enabled=device != "cpu" or has_bfloat16())


def has_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 itself: in matrix units (AMX) or in vectors
    (AVX512_BF16)."""
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


class _Drawn(Dataset):
    """Batch k is what `draw(k)` gives."""

    def __init__(self, draw: Callable[[int], T]) -> None:
        self.draw = draw

    def __getitem__(self, step: int) -> T:
        return self.draw(step)


class _From(Sampler):
    """first, first + 1, …"""

    def __init__(self, first: int) -> None:
        self.first = first

    def __iter__(self) -> Iterator[int]:
        return count(self.first)


def _as_it_is(value: T) -> T:
    return value


def feed(draw: Callable[[int], T], first: int, feeders: int) -> Iterator[T]:
    """`draw(first)`, `draw(first + 1)`, …, in order, whoever draws them.

    Args:
        draw: a function of the step alone, so that a training that goes on sees the same batches.
        feeders: processes that draw; 0 draws here, when a batch is asked for.
    """
    if not feeders:
        return map(draw, count(first))
    return iter(
        DataLoader(
            _Drawn(draw),
            batch_size=None,
            sampler=_From(first),
            collate_fn=_as_it_is,
            num_workers=feeders,
            prefetch_factor=AHEAD,
            multiprocessing_context="fork",
        )
    )
