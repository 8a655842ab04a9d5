"""Shortcuts of a denoise: steps that are extrapolated, compiled blocks, another attention.

Diffusers' hooks do the work; here they are put on a transformer for one denoise and taken off
again, so that what runs next finds it as it was. Of a step that is not computed the blocks are left
out and the velocities, what the last projections give, come from the Taylor series of those before;
each pass of a step (prompt, negative prompt, …) has a series of its own, by the name that its
caller gives to ``transformer.cache_context``.

Reference: TaylorSeer, Liu et al. 2025 (arXiv 2503.06923), in diffusers' lite form; theirs knows one
projection, and LTX-2 has two.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from diffusers.hooks import TaylorSeerCacheConfig
from diffusers.models.attention_dispatch import attention_backend

from rushes.catalogue.model import Speed

PROJECTIONS = r"(audio_)?proj_out"
"""Modules of the transformer itself whose output is a velocity."""
BLOCKS = r"[^.]*block[^.]*\.\d+"
"""Modules that are left out of a step that is not computed."""


@contextmanager
def speed_up(transformer: Any, speed: Speed | None) -> Iterator[None]:
    """Take these shortcuts within; every call lies in a ``cache_context``.

    Args:
        transformer: a diffusers model, with the adapters of this denoise on it.
        speed: None for none.
    """
    with ExitStack() as stack:
        if speed is not None and speed.attention:
            stack.enter_context(attention_backend(speed.attention))
        if speed is not None and speed.compile and transformer.device.type == "cuda":
            stack.enter_context(compile_blocks(transformer))
        if speed is not None and speed.cache:
            stack.enter_context(_extrapolate(transformer, speed))
        yield


@contextmanager
def compile_blocks(transformer: Any, **options: Any) -> Iterator[None]:
    """Run the repeated blocks compiled; those of a class share what was compiled.

    Not the modules, as ``compile_repeated_blocks`` does: a cache's hooks, put on later, count the
    steps, and a compiler that saw them would start anew at each.

    Args:
        options: of ``torch.compile``.
    """
    names = getattr(transformer, "_repeated_blocks", None) or ()
    blocks = [module for module in transformer.modules() if type(module).__name__ in names]
    before = [vars(block).get("forward") for block in blocks]
    for block in blocks:
        block.forward = torch.compile(block.forward, **options)
    try:
        yield
    finally:
        for block, forward in zip(blocks, before, strict=True):
            if forward is None:
                del block.forward
            else:
                block.forward = forward


@contextmanager
def _extrapolate(transformer: Any, speed: Speed) -> Iterator[None]:
    config = TaylorSeerCacheConfig(
        cache_interval=speed.interval,
        disable_cache_before_step=speed.warmup,
        max_order=speed.order,
        taylor_factors_dtype=torch.float32,
        cache_identifiers=[PROJECTIONS],
        skip_predict_identifiers=[BLOCKS],
    )
    transformer.enable_cache(config)
    try:
        yield
    finally:
        transformer.disable_cache()
