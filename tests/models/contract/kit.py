"""Tiny families: random checkpoints of the true classes, and the pipelines to compare with.

A family enters the contract suite with a list of :class:`Tiny`; see ``wan.py`` for one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from rushes.catalogue.grid import Grid, LatentGrid
from rushes.catalogue.model import Defaults, Model
from rushes.catalogue.source import FolderSource, Licence
from rushes.models.base import DenoiseSettings, GivenMedia, LoadedModel, find_family

PROMPT = "A red ball  bounces &amp; rolls"
NEGATIVE = "blurry, dull"
Frame = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Asked:
    """One request, as the stages and as a pipeline are told it."""

    settings: DenoiseSettings
    media: GivenMedia | None
    frames: int
    prompt: str = PROMPT
    negative: str = NEGATIVE
    loras: tuple[tuple[Path, float], ...] = ()


@dataclass(frozen=True)
class Reference:
    """What the whole pipeline gives.

    Args:
        latents: (C, F, H, W) float32, normalised; None where the pipeline does not give them.
        frames: (F, H, W, 3) float32 in [0, 1].
    """

    latents: torch.Tensor | None
    frames: np.ndarray[Any, Any]


@dataclass(frozen=True)
class Tiny:
    """A family's entry.

    Args:
        build: saves a random checkpoint in the hub's layout.
        model: its entry, as of the catalogue; the source is put in by the suite.
        run_pipeline: diffusers' whole pipeline over the same folder.
        cases: what it can be given, by name; "text" is nothing.
        settings: of the denoise, besides what the model's shape says.
        save_lora: writes a random adapter of its transformer; None where it takes none.
        illegal: (frames, width, height) that the model refuses.
        differs: why a case is not the pipeline's to the bit, and how far it may be off; by case.
    """

    name: str
    build: Callable[[Path], None]
    model: Model
    run_pipeline: Callable[[Path, Model, Asked], Reference]
    cases: Mapping[str, Callable[[], GivenMedia] | None]
    settings: Mapping[str, Any] = field(default_factory=dict)
    save_lora: Callable[[Path, Path], None] | None = None
    illegal: tuple[tuple[int, int, int], ...] = ()
    differs: Mapping[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        return self.name

    def at(self, folder: Path) -> Model:
        """The entry with its weights in a folder."""
        return msgspec.structs.replace(self.model, source=FolderSource(str(folder), "tiny"))

    def open(self, folder: Path) -> LoadedModel:
        model = self.at(folder)
        return find_family(model.family).open(folder, model, "cpu")

    def ask(self, case: str, **more: Any) -> Asked:
        """The request of a case; ``more`` are settings."""
        model, made = self.model, self.cases[case]
        width, height = map(int, model.defaults.size.split("x"))
        frames = model.defaults.frames
        settings = DenoiseSettings(
            seed=3, first=0, latents=(frames - 1) // model.latents.video_frames + 1,
            audio_offset=0.0, audio_latents=0, height=height, width=width, fps=model.defaults.fps,
            steps=model.defaults.steps, guidance=model.defaults.guidance,
        )  # fmt: skip
        settings = replace(settings, **{**self.settings, **more})
        return Asked(settings, None if made is None else made(), frames, loras=settings.loras)


def tiny_model(name: str, family: str, size: str, frames: int, **more: Any) -> Model:
    """A catalogue entry for a tiny checkpoint; ``more`` are fields of :class:`Model`."""
    fields: dict[str, Any] = {
        "dtype": "float32",
        "grid": Grid(4, 1, 5, 33, 16, [size], [16.0]),
        "latents": LatentGrid(16, 4, 8),
        "defaults": Defaults(steps=3, guidance=4.0, size=size, frames=frames, fps=16.0),
        "parts": [],
        "limits": [],
        "verified": "random weights",
    }
    return Model(
        name=name,
        title=name,
        about="A tiny random checkpoint.",
        family=family,
        source=FolderSource("", "tiny"),
        licence=Licence("apache-2.0", "Apache License 2.0", "https://example.org", "2026-11-21"),
        **{**fields, **more},
    )


def picture(height: int, width: int, seed: int = 0) -> Frame:
    """(height, width, 3) uint8 noise."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def clip(frames: int, height: int, width: int, seed: int = 0) -> list[Frame]:
    """Noise."""
    return [picture(height, width, seed * 100 + n) for n in range(frames)]


def save_t5_tokenizer(folder: Path, extra: str = "") -> None:
    """A T5 tokenizer of single letters."""
    from transformers import T5Tokenizer

    letters = "▁abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,;:!?&-'\"" + extra
    special = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    vocab = special + [(letter, -2.0) for letter in letters]
    T5Tokenizer(vocab=vocab, extra_ids=0).save_pretrained(folder)


def load_adapters(pipe: Any, asked: Asked) -> None:
    """Put the request's LoRAs on a pipeline."""
    names = [f"lora{number}" for number, _ in enumerate(asked.loras)]
    for name, (path, _) in zip(names, asked.loras, strict=True):
        pipe.load_lora_weights(str(path), adapter_name=name)
    if names:
        pipe.set_adapters(names, [scale for _, scale in asked.loras])


def save_lora_of(transformer: Any, target: Path, modules: list[str], seed: int = 5) -> None:
    """A random LoRA of rank 4 for modules of a transformer, as diffusers saves them."""
    from safetensors.torch import save_file

    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, module in transformer.named_modules():
        if isinstance(module, torch.nn.Linear) and name.split(".")[-1] in modules:
            a = torch.randn(4, module.in_features, generator=generator)
            b = torch.randn(module.out_features, 4, generator=generator)
            tensors[f"transformer.{name}.lora_A.weight"] = a
            tensors[f"transformer.{name}.lora_B.weight"] = b
    assert tensors
    save_file(tensors, target)
