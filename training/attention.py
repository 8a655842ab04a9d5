"""Attention written out, for trainings in bfloat16 on a CPU.

PyTorch's fused attention has a slow backward pass there: half of a step of sprite's transformer
(torch 2.13, a Xeon with AMX; no benchmark is kept of it).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> torch.Tensor:
    """What `torch.nn.functional.scaled_dot_product_attention` computes, without dropout and with
    as many heads of keys as of queries.

    Raises:
        NotImplementedError: for dropout or grouped queries.
    """
    if dropout_p or enable_gqa:
        raise NotImplementedError("attention with dropout or grouped queries")
    scores = (query * (query.shape[-1] ** -0.5 if scale is None else scale)) @ key.mT
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        scores = scores.masked_fill(~attn_mask, torch.finfo(scores.dtype).min)
    elif attn_mask is not None:
        scores = scores + attn_mask
    return scores.softmax(-1).to(value.dtype) @ value


@contextmanager
def written_out(enabled: bool) -> Iterator[None]:
    """Makes every attention of this process `attend` for as long as it lasts."""
    fused = nn.functional.scaled_dot_product_attention
    if enabled:
        nn.functional.scaled_dot_product_attention = attend
    try:
        yield
    finally:
        nn.functional.scaled_dot_product_attention = fused
