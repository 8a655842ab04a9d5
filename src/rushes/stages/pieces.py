"""The latents of a clip that was made in overlapping pieces, as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rushes.stages.base import Job

if TYPE_CHECKING:
    from rushes.models.base import Tensors


def join_pieces(job: Job, name: str, skips: tuple[int, ...]) -> Tensors:
    """The tensor ``name`` of all inputs, in order, along time (axis 1); where there is one input,
    all that is in it.

    Args:
        skips: leading latents of each piece that are left out, since the one before has them.
    """
    import torch
    from safetensors.torch import load_file

    paths = [paths["latents"] for paths in job.inputs.values()]
    read = [load_file(path) for path in paths]
    pieces = [one[name][:, skip:] for one, skip in zip(read, skips, strict=True)]
    return {**(read[0] if len(read) == 1 else {}), name: torch.cat(pieces, 1)}
