"""One part from one file, as transformers are shared: safetensors in the authors' layout, or GGUF.

The file gives the tensors, the folder it lies in gives ``config.json``, and diffusers' converter of
the class gives the names. What is missing, superfluous or of another shape is refused: diffusers'
own loader would leave it empty, drop it, or fail without a word on which file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from rushes.catalogue.source import SINGLE

PREFIXES = ("model.diffusion_model.", "diffusion_model.")
"""Of the transformer, in files that may hold other parts too."""
SCALES = ("scaled_fp8", "scale_weight", "weight_scale", "weight_scale_2", "comfy_quant")
"""Last names of tensors by which narrow weights are to be multiplied; nothing here does."""


class WrongFile(Exception):
    """Why a file cannot be the part."""


def find_single(folder: Path) -> Path | None:
    """The single file of a part's folder; None where the folder is in the hub's layout."""
    found = (folder / f"{SINGLE}{suffix}" for suffix in (".safetensors", ".gguf"))
    return next((path for path in found if path.is_file()), None)


def load_single(kind: Any, path: Path, dtype: torch.dtype) -> torch.nn.Module:
    """A diffusers part on the host.

    Args:
        kind: its class.
        path: in the part's folder, beside ``config.json``.

    Raises:
        WrongFile: the file does not hold the part, and nothing else.
    """
    from accelerate import init_empty_weights

    config = kind.load_config(str(path.parent), local_files_only=True)
    with init_empty_weights():
        part = kind.from_config(config)
    tensors = name_tensors(kind, config, read_tensors(path), part.state_dict())
    if path.suffix == ".gguf":
        return _load_packed(kind, path.parent, part, tensors, dtype)
    kept = part._keep_in_fp32_modules or []

    def cast(name: str, tensor: torch.Tensor) -> torch.Tensor:
        wide = any(module in name.split(".") for module in kept)  # as ``from_pretrained`` does
        # a copy of its own: kernels choose their order of sums by where in memory a tensor begins
        return tensor.to(torch.float32 if wide else dtype, copy=True).contiguous()

    part.load_state_dict({name: cast(name, t) for name, t in tensors.items()}, assign=True)
    loaded: torch.nn.Module = part
    return loaded


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The transformer's tensors of a file, without its prefix there."""
    if path.suffix == ".gguf":
        from diffusers.models.model_loading_utils import load_gguf_checkpoint

        tensors: dict[str, torch.Tensor] = load_gguf_checkpoint(str(path), return_tensors=True)
    else:
        from safetensors.torch import load_file

        tensors = load_file(path)
    if scaled := [name for name in tensors if name.rpartition(".")[2] in SCALES]:
        raise WrongFile(f"holds weights that are to be multiplied by scales ({scaled[0]})")
    for prefix in PREFIXES:
        inside = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
        if inside:
            return inside
    return tensors


def name_tensors(
    kind: Any, config: Any, tensors: dict[str, torch.Tensor], wanted: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """The tensors by diffusers' names, whole and of the right shapes.

    Raises:
        WrongFile: one is missing, has no place, or is of another shape.
    """
    from diffusers.loaders.single_file_model import SINGLE_FILE_LOADABLE_CLASSES

    if tensors.keys() != wanted.keys():
        convert = SINGLE_FILE_LOADABLE_CLASSES[kind.__name__]["checkpoint_mapping_fn"]
        try:
            tensors = convert(checkpoint=dict(tensors), config=config)
        except (KeyError, IndexError, ValueError, RuntimeError) as exc:
            raise WrongFile(f"has another layout than a {kind.__name__}: {exc}") from exc
    ignored = getattr(kind, "_keys_to_ignore_on_load_unexpected", None) or []
    strays = sorted(n for n in tensors.keys() - wanted.keys() if not _matches(ignored, n))
    if missing := sorted(wanted.keys() - tensors.keys()):
        raise WrongFile(f"lacks {_few(missing)}")
    if strays:
        raise WrongFile(f"holds tensors that a {kind.__name__} has no place for: {_few(strays)}")
    shapes = {n: tuple(getattr(tensors[n], "quant_shape", tensors[n].shape)) for n in wanted}
    for name, tensor in wanted.items():
        if shapes[name] != tuple(tensor.shape):
            raise WrongFile(f"has {name} as {shapes[name]}, not {tuple(tensor.shape)}")
    return {name: tensors[name] for name in wanted}


def _matches(patterns: list[str], name: str) -> bool:
    return any(re.search(pattern, name) for pattern in patterns)


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _load_packed(
    kind: Any, folder: Path, part: Any, tensors: dict[str, torch.Tensor], dtype: torch.dtype
) -> torch.nn.Module:
    """GGUF: linear layers stay packed and are unpacked while they run, all others now."""
    from diffusers import GGUFQuantizationConfig
    from diffusers.quantizers.gguf.utils import GGUFParameter, dequantize_gguf_tensor

    linear = {
        f"{name}.weight"
        for name, module in part.named_modules()
        if isinstance(module, torch.nn.Linear)
    }
    for name, tensor in tensors.items():
        if isinstance(tensor, GGUFParameter) and name not in linear:
            tensors[name] = dequantize_gguf_tensor(tensor).to(dtype)
    loaded: torch.nn.Module = kind.from_single_file(
        tensors, config=str(folder), local_files_only=True, dtype=dtype,
        quantization_config=GGUFQuantizationConfig(compute_dtype=dtype),
    )  # fmt: skip
    return loaded
