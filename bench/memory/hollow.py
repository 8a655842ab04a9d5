"""Models of any size without their weights: every part in its true class, on the ``meta`` device.

Configurations come from the catalogue, or from the checkpoint where the weights are in the package.
"""

from __future__ import annotations

import importlib
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from rushes.catalogue.load import find_config
from rushes.catalogue.model import Model
from rushes.catalogue.source import PackageSource, Part
from rushes.hub import find_checkpoint
from rushes.models.base import LoadedModel, find_family
from rushes.models.parts import OpenedCheckpoint

HOMES = ("diffusers", "transformers", "diffusers.pipelines.ltx2")
FORM = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def read_config(model: Model, part: Part) -> dict[str, Any]:
    """A part's configuration."""
    if not isinstance(model.source, PackageSource):
        return find_config(part)
    path = find_checkpoint(model) / part.folder / "config.json"
    config: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return config


def find_class(name: str) -> tuple[str, Any]:
    """The library of a class, as ``model_index.json`` says it, and the class."""
    for home in HOMES:
        module = importlib.import_module(home)
        if (kind := getattr(module, name, None)) is not None:
            return home.rpartition(".")[2], kind
    raise LookupError(f"no known library has {name}")


def build_part(
    class_name: str, config: dict[str, Any], dtype: torch.dtype, device: str = "meta"
) -> torch.nn.Module:
    """A part with the weights it is made with: none on ``meta``, random ones elsewhere."""
    kind = find_class(class_name)[1]
    with torch.device(device):
        if hasattr(kind, "config_class") and kind.config_class is not None:
            part = kind(kind.config_class.from_dict(config))
        else:
            part = kind.from_config(config)
    for tensor in [*part.parameters(), *part.buffers()]:
        if tensor.is_floating_point() and not _stays_exact(part, tensor, dtype):
            tensor.data = tensor.data.to(dtype)
    made: torch.nn.Module = part.eval().requires_grad_(False)
    return made


def _stays_exact(part: torch.nn.Module, tensor: torch.Tensor, dtype: torch.dtype) -> bool:
    """Whether ``from_pretrained`` leaves the tensor in float32."""
    kept = getattr(part, "_keep_in_fp32_modules", None) or ()
    if not kept or dtype is torch.float32:
        return False
    names = [
        name for name, value in [*part.named_parameters(), *part.named_buffers()] if value is tensor
    ]
    return any(piece in name.split(".") for name in names for piece in kept)


INDEX_EXTRAS: dict[str, dict[str, Any]] = {
    "wan-2.2-a14b": {"boundary_ratio": 0.875},
    "wan-2.2-ti2v-5b": {"expand_timesteps": True},
}
"""What these checkpoints' ``model_index.json`` says besides the classes."""

DEPTHS = ("num_layers", "num_single_layers")
"""How many alike blocks a transformer of diffusers has, in its configuration."""


def shorten(config: dict[str, Any], blocks: int = 2) -> dict[str, Any]:
    """A transformer of the same width with few blocks: what it needs beside its weights is the
    same, since one block works at a time. Wan VACE keeps what every layer of its control gave until
    the end, and so keeps these layers."""
    if "vace_layers" in config:
        count = max(len(config["vace_layers"]), blocks)
        return {**config, "num_layers": count, "vace_layers": [*range(len(config["vace_layers"]))]}
    return {k: min(v, blocks) if k in DEPTHS else v for k, v in config.items()}


class HollowTokenizer:
    """Answers as a tokenizer does whose prompts fill every place."""

    padding_side = "right"
    model_max_length = 512
    pad_token = eos_token = bos_token = ""
    pad_token_id = eos_token_id = 0

    def __init__(self, length: int) -> None:
        self.model_max_length = length

    def convert_tokens_to_ids(self, tokens: str) -> int:
        """No prompt has this token."""
        return 1

    def apply_chat_template(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        """A template with a prompt that fills every place."""
        return self(messages, **kwargs)

    def __call__(self, text: Any, *args: Any, max_length: int | None = None, **kwargs: Any) -> Any:
        from transformers import BatchEncoding

        rows = len(text) if isinstance(text, list) else 1
        shape = rows, max_length or self.model_max_length
        ids = torch.zeros(shape, dtype=torch.long)
        return BatchEncoding({"input_ids": ids, "attention_mask": torch.ones_like(ids)})


def open_hollow(
    model: Model,
    device: str = "meta",
    make: Callable[[str], Any] | None = None,
    configs: Mapping[str, dict[str, Any]] = MappingProxyType({}),
) -> LoadedModel:
    """The model through its own adapter, its parts without weights; on ``cpu`` with random ones.

    Args:
        configs: by folder, in place of the catalogue's: a model of another size.
        make: gives parts that the catalogue does not know, by folder: tokenizers, schedulers.
    """
    folder = Path(tempfile.mkdtemp(prefix="rushes-hollow-"))
    weighed = [part for part in model.parts if part.class_name != "LoRA"]
    index = {part.folder: [*find_index(part.class_name)] for part in weighed}
    extra = {"tokenizer": ["transformers", "Any"], "scheduler": ["diffusers", "Any"]}
    whole = {**extra, **index, **INDEX_EXTRAS.get(model.name, {})}
    (folder / "model_index.json").write_text(json.dumps(whole), "utf-8")
    loaded: Any = find_family(model.family).open(folder, model, device)
    loaded.__class__ = type("Hollow", (type(loaded), _Hollow), {})
    loaded.hollow_make, loaded.hollow_configs, loaded.hollow_device = make, configs, device
    opened: LoadedModel = loaded
    return opened


class _Hollow(OpenedCheckpoint):
    """Loads parts without weights; stands between a family's class and the one that would read."""

    hollow_make: Callable[[str], Any] | None
    hollow_configs: Mapping[str, dict[str, Any]]
    hollow_device: str

    def _load(self, name: str) -> Any:
        part = next((part for part in self.model.parts if part.folder == name), None)
        if part is None:
            assert self.hollow_make is not None, name
            return self.hollow_make(name)
        exact = name in self.full_precision
        form = torch.float32 if exact else FORM[self.model.dtype]
        config = self.hollow_configs.get(name) or read_config(self.model, part)
        return build_part(part.class_name, config, form, self.hollow_device)


def find_index(class_name: str) -> tuple[str, str]:
    """A line of ``model_index.json``."""
    return find_class(class_name)[0], class_name
