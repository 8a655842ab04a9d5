"""Where the parts of a checkpoint lie, and in which numbers: what every family does alike.

Placement moves bytes and changes none: a part is resident, or put off the device while others work,
or streamed through it block by block. Numerics change what is computed: layers cast to fp8 between
their uses, weights rounded to int8 or four bits, pictures decoded in tiles. The plan chooses both
(:mod:`rushes.plan.memory`).

What is not done here is refused by name: :data:`rushes.catalogue.model.NOT_DONE`.
"""

from __future__ import annotations

import gc
import re
from typing import Any

import torch
from torch import nn

from rushes.catalogue.model import NOT_DONE
from rushes.errors import StageFailed
from rushes.models.base import Placement

SKIPPED = ("pos_embed", "patch_embed", "norm", "^proj_in$", "^proj_out$", "lm_head", "lora")
"""Names of layers that keep their numbers, beside those that a class names itself."""


def castable_layers(part: nn.Module) -> list[nn.Linear]:
    """Linear layers whose weights may be kept in fewer bits; norms and embeddings are not."""
    own = [
        *(getattr(part, "_skip_layerwise_casting_patterns", None) or ()),
        *(getattr(part, "_keep_in_fp32_modules", None) or ()),
    ]
    skipped = re.compile("|".join([*SKIPPED, *own]))
    return [
        module
        for name, module in part.named_modules()
        if isinstance(module, nn.Linear) and not skipped.search(name)
    ]


def find_blocks(part: nn.Module) -> list[nn.Module]:
    """The repeated blocks of a transformer of diffusers; none for other parts."""
    if not type(part).__module__.startswith("diffusers.models.transformers"):
        return []
    lists = [child for child in part.children() if isinstance(child, nn.ModuleList)]
    return [block for blocks in lists for block in blocks]


def apply_numerics(part: Any, numerics: str) -> None:
    """Change how a loaded part computes.

    Args:
        numerics: ``fp8``, ``int8``, ``nvfp4``, ``tiled``, or "" for as it was loaded.

    Raises:
        StageFailed: the part cannot, or the numerics are not done here.
    """
    if numerics == "":
        return
    if numerics == "fp8":
        cast_to_fp8(part)
    elif numerics == "int8":
        round_to_int8(part)
    elif numerics == "nvfp4":
        from rushes.models.nvfp4 import pack_linear

        for layer in castable_layers(part):
            pack_linear(layer)
    elif numerics == "tiled" and hasattr(part, "enable_tiling"):
        part.enable_tiling()
    else:
        name = type(part).__name__
        reason = NOT_DONE.get(numerics, f"{name} has no numerics {numerics!r}")
        raise StageFailed(reason, where="rushes.lock", hint="run: rushes lock --update")


def cast_to_fp8(part: nn.Module) -> None:
    """Keep the castable layers in float8 (e4m3) and widen each while it runs."""
    from diffusers.hooks.layerwise_casting import apply_layerwise_casting_hook

    for layer in castable_layers(part):
        apply_layerwise_casting_hook(layer, torch.float8_e4m3fn, layer.weight.dtype, False)


class Int8Linear(nn.Linear):
    """A linear layer whose weight is int8 with one scale a row, widened while it runs."""

    scale: torch.Tensor

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """(…, in) → (…, out), in the input's dtype."""
        product = nn.functional.linear(input, self.weight.to(input.dtype)).mul_(self.scale)
        return product if self.bias is None else product.add_(self.bias)


def round_to_int8(part: nn.Module) -> None:
    """Round the castable layers' weights to int8, symmetric by row."""
    for layer in castable_layers(part):
        weight = layer.weight.data
        scale = weight.abs().amax(1).float().clamp(min=1e-12) / 127
        rounded = (weight.float() / scale[:, None]).round().to(torch.int8)
        layer.weight = nn.Parameter(rounded, requires_grad=False)
        layer.register_buffer("scale", scale.to(weight.dtype))
        layer.__class__ = Int8Linear


class Shelf:
    """One part: its module, and whether it lies on the device now.

    Args:
        device: where it computes.
        placement: how it lies; for its whole life, since hooks are not taken off again.
    """

    def __init__(self, module: nn.Module, device: str, placement: Placement) -> None:
        self.module, self.device, self.placement = module, torch.device(device), placement
        self.streamed = placement.kind in ("blocks", "leaves")
        if self.streamed:
            stream_part(module, self.device, placement)
        self.here = False
        self.bring()

    def bring(self) -> None:
        """Have it ready to run."""
        if not self.here and not self.streamed:
            self.module.to(self.device)
        self.here = True

    def put_off(self) -> bool:
        """Take it off the device; whether it has to be loaded again.

        On a CPU the device and the host are one, so that it can only be forgotten.
        """
        if self.streamed and self.device.type != "cpu":
            return False
        if self.device.type == "cpu":
            return True
        self.module.to("cpu")
        self.here = False
        empty_cache(self.device)
        return False


def stream_part(module: nn.Module, device: torch.device, placement: Placement) -> None:
    """Let a part's blocks, or its single layers where it has none, pass through the device."""
    from diffusers.hooks import apply_group_offloading

    stream = placement.stream and device.type == "cuda"
    whole = placement.kind == "blocks" and find_blocks(module)
    apply_group_offloading(
        module,
        onload_device=device,
        offload_device=torch.device("cpu"),
        offload_type="block_level" if whole else "leaf_level",
        num_blocks_per_group=1 if whole else None,
        non_blocking=stream,
        use_stream=stream,
        record_stream=False,
    )


def empty_cache(device: torch.device) -> None:
    """Give freed memory of a GPU back, so that parts of another shape can have it."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
