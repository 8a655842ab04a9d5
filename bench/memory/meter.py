"""Bytes and arithmetic of a run, counted while it runs.

:class:`Meter` counts what every operation leaves behind in tensors. On the ``meta`` device no
tensor holds data, so a model of any size is counted in seconds on any machine.
:func:`measure_allocations` asks the CPU's allocator itself, and so sees what operations need
inside.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

COMPOSITE = "CompositeImplicitAutograd"


class Meter(TorchDispatchMode):
    """Counts live bytes of storages made while it is entered.

    ``peaks``: the most at any moment, by the label that :meth:`enter_part` last set;
    ``host_peaks``: with what a CPU's convolutions need beside their result; ``flops``, by label
    too: floating-point operations of matrix products, convolutions and attention, ``repeats``
    times.
    """

    def __init__(self) -> None:
        super().__init__()
        self.repeats = 1.0
        self.host_peaks: dict[str, int] = {}
        self.live = 0
        self.label = ""
        self.peaks: dict[str, int] = {}
        self.flops: dict[str, float] = {}
        self._known: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._calls = _HollowCalls(self)

    @property
    def peak(self) -> int:
        """The most at any moment."""
        return max(self.peaks.values(), default=0)

    def __enter__(self) -> Meter:
        self._calls.__enter__()
        super().__enter__()
        return self

    def __exit__(self, *args: Any) -> None:
        super().__exit__(*args)
        self._calls.__exit__(*args)

    def enter_part(self, name: str) -> None:
        """What follows is the work of this part."""
        self.label = name
        self._note(self.live)

    def ignore(self, *objects: Any) -> None:
        """What is there already is not counted: parameters, buffers, inputs."""
        for value in objects:
            tensors = (
                [*value.parameters(), *value.buffers()]
                if isinstance(value, torch.nn.Module)
                else [leaf for leaf in tree_leaves(value) if isinstance(leaf, torch.Tensor)]
            )
            for tensor in tensors:
                self._known[tensor.untyped_storage()] = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if (answer := _answer_hollow(func, args)) is not None:
            return answer
        if torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), COMPOSITE):
            TorchDispatchMode.__enter__(self)  # whole in inference mode only: look at its parts
            try:
                return func.decompose(*args, **kwargs)
            finally:
                TorchDispatchMode.__exit__(self, None, None, None)
        made = func(*args, **kwargs)
        if (count := flop_registry.get(func._overloadpacket)) is not None:
            self.add_flops(count(*args, **kwargs, out_val=made))
        for leaf in tree_leaves(made):
            if isinstance(leaf, torch.Tensor):
                self._see(leaf.untyped_storage())
        if func is torch.ops.aten.convolution.default:
            self._note_host(self.live + find_workspace(args, made))
        return made

    def add_flops(self, count: int) -> None:
        """Count arithmetic of the part that runs."""
        self.flops[self.label] = self.flops.get(self.label, 0) + count * self.repeats

    def _see(self, storage: Any) -> None:
        if self._known.get(storage) is not None:
            return
        nbytes = storage.nbytes()
        weakref.finalize(storage, self._drop, nbytes)
        self._known[storage] = nbytes
        self.live += nbytes
        self._note(self.live)

    def _note(self, live: int) -> None:
        self.peaks[self.label] = max(self.peaks.get(self.label, 0), live)
        self._note_host(live)

    def _note_host(self, live: int) -> None:
        self.host_peaks[self.label] = max(self.host_peaks.get(self.label, 0), live)

    def _drop(self, nbytes: int) -> None:
        self.live -= nbytes


class _HollowCalls(TorchFunctionMode):
    """Calls that tensors without data cannot answer, or that a GPU answers otherwise.

    Attention makes nothing beside its output, as the fused kernels do. What goes to the host leaves
    the device: the tensor stays, since a copy of it on the host is none of the device's bytes.
    """

    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self.meter = meter

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        first = args[0] if args else kwargs.get("query")
        if not (isinstance(first, torch.Tensor) and first.is_meta):
            return func(*args, **kwargs)
        if func is torch.nn.functional.scaled_dot_product_attention:
            named = dict(zip(("query", "key", "value"), args, strict=False)) | kwargs
            return self._attend(named["query"], named["key"], named["value"])
        if func is torch.Tensor.cpu:
            return first
        if func is torch.Tensor.to and _goes_to_host(args[1:], kwargs):
            dtypes = [v for v in [*args[1:], *kwargs.values()] if isinstance(v, torch.dtype)]
            return func(first, *dtypes) if dtypes else first
        if func is torch.Tensor.numpy:
            kept = 2 if first.ndim == 5 else 1  # channels, that a VAE may fold
            shape = (*first.shape[:kept], *(1 for _ in first.shape[kept:-1]), *first.shape[-1:])
            return np.zeros(shape if first.ndim > 1 else first.shape, np.float32)
        return func(*args, **kwargs)

    def _attend(self, query: Any, key: Any, value: Any) -> Any:
        pairs = query.shape[:-1].numel() * key.shape[-2]
        self.meter.add_flops(2 * pairs * (query.shape[-1] + value.shape[-1]))
        return query.new_empty((*query.shape[:-1], value.shape[-1]))


def find_workspace(args: tuple[Any, ...], made: torch.Tensor) -> int:
    """Bytes that a convolution of the CPU build allocates beside its result, while it runs.

    Few small channels are unfolded into columns. The others go to oneDNN, which reorders input and
    weight before, or the result after. The choice is that of ``use_mkldnn`` in ATen's
    Convolution.cpp; the sizes were measured (torch 2.13).

    Args:
        args: of ``aten.convolution``.
    """
    given, weight, groups = args[0], args[1], args[8]
    cells = given.shape[:4].numel()
    wide = weight.shape[-1] > 3 and weight.shape[-2] > 3 and weight.ndim > 3
    if groups > 1 or wide or given.shape[0] > 1 or cells > 20480:
        return max(given.nbytes + weight.nbytes, made.nbytes)
    return int(weight[0].numel() * made[0, 0].numel() * made.element_size())


def _answer_hollow(func: Any, args: tuple[Any, ...]) -> Any:
    """What depends on values that are not there: no flag is set, and a mask leaves nothing out."""
    aten = torch.ops.aten
    first = args[0] if args else None
    if not (isinstance(first, torch.Tensor) and first.is_meta):
        return None
    if func is aten._local_scalar_dense.default:
        return False if first.dtype is torch.bool else 0
    if func is aten.nonzero.default:
        return first.new_empty((first.numel(), first.ndim), dtype=torch.long)
    if func is aten.index.Tensor and len(args[1]) == 1 and args[1][0].dtype is torch.bool:
        return first.flatten(0, args[1][0].ndim - 1).clone()
    return None


def _goes_to_host(args: tuple[Any, ...], kwargs: Any) -> bool:
    said = [value for value in [*args, *kwargs.values()] if isinstance(value, str | torch.device)]
    return any(torch.device(value).type == "cpu" for value in said)


def measure_allocations(work: Callable[[], Any]) -> int:
    """Bytes that the CPU's allocator had given out at the peak, beyond those before ``work``."""
    from torch.profiler import ProfilerActivity, profile

    gc.collect()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as trace:
        kept = work()
    del kept
    events = trace.profiler.kineto_results.events()
    changes = sorted(
        ((event.start_ns(), event.nbytes()) for event in events if event.name() == "[memory]"),
        key=lambda change: change[0],
    )
    live = peak = 0
    for _, nbytes in changes:
        live += nbytes
        peak = max(peak, live)
    return peak
