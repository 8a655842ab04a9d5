"""Data-parallel training over processes of one thread each.

Threads of one process wait for each other in a spin and starve beside any other load; processes
that average their gradients do not.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import distributed, nn
from torch.multiprocessing import spawn


def run_workers(train: Callable[..., None], args: Any, count: int) -> None:
    """Calls `train(rank, args)` in `count` processes that can `average`; one is this one."""
    if count == 1:
        train(0, args)
        return
    with tempfile.TemporaryDirectory() as folder:
        spawn(_start, (train, args, count, str(Path(folder) / "meeting")), count)


def _start(rank: int, train: Callable[..., None], args: Any, count: int, meeting: str) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{meeting}", rank=rank, world_size=count
    )
    train(rank, args)
    distributed.barrier()  # gloo aborts a process whose peers leave before it
    distributed.destroy_process_group()


def wait_for_all() -> None:
    """Until every worker is here."""
    if distributed.is_initialized():
        distributed.barrier()


def average(model: nn.Module, done: float) -> float:
    """Averages the gradients over the workers, in place, and the share of the time that is over."""
    if not distributed.is_initialized():
        return done
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    flat = torch.cat([g.flatten() for g in grads] + [torch.tensor([done])])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    for grad, mean in zip(grads, flat[:-1].split([g.numel() for g in grads]), strict=True):
        grad.copy_(mean.view_as(grad))
    return float(flat[-1])


def share(
    values: list[torch.Tensor], compute: Callable[[torch.Tensor], torch.Tensor]
) -> list[torch.Tensor]:
    """`compute` of each value, of the same shape as the value; every worker computes its part of
    them. All workers must give the same values."""
    if not distributed.is_initialized():
        return [compute(value) for value in values]
    rank, count = distributed.get_rank(), distributed.get_world_size()
    costs, mine = [0.0] * count, list[int]()
    for value in values:  # to the worker that has least to do
        mine.append(min(range(count), key=costs.__getitem__))
        costs[mine[-1]] += float(value.numel()) * min(value.shape)
    parts = [
        compute(value) if who == rank else torch.zeros_like(value)
        for value, who in zip(values, mine, strict=True)
    ]
    flat = torch.cat([part.flatten() for part in parts])
    distributed.all_reduce(flat)
    sizes = [value.numel() for value in values]
    return [x.view_as(v) for x, v in zip(flat.split(sizes), values, strict=True)]
