"""Transformers from one file: to the bit what the hub's layout gives; wrong files in one error."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import diffusers
import msgspec
import pytest
import torch
from diffusers.loaders.single_file_model import SINGLE_FILE_LOADABLE_CLASSES
from diffusers.quantizers.gguf.utils import SUPPORTED_GGUF_QUANT_TYPES

from rushes.catalogue.load import find_model, model_names
from rushes.catalogue.packed import TYPES, read_packed
from rushes.catalogue.source import SINGLE_CLASSES
from rushes.errors import StageFailed
from rushes.hub import find_checkpoint
from rushes.models.base import Placement
from rushes.models.placing import castable_layers
from rushes.models.single import load_single
from tests.models.contract.kit import Tiny
from tests.models.contract.wan import WANS, build
from tests.models.single_files import (
    Tensors,
    name_as_ltx2,
    name_as_wan,
    read_part,
    save_packed,
    save_single,
)

BY_NAME = {tiny.name: tiny for tiny in WANS}
WIDE = {"attention_head_dim": 16, "num_attention_heads": 2}
"""Rows of 32 numbers, so that they can be packed."""
PACKABLE = replace(
    BY_NAME["wan-2.1"],
    build=partial(build, pipeline=diffusers.WanPipeline, config={}, transformer=WIDE),
)


class NoCheckpoint:
    def load(self) -> None:
        return None

    def offer(self, make_state: Callable[[], Any]) -> None:
        pass


def align(part: torch.nn.Module) -> None:
    """Weights of the hub's layout lie where they lie in their file, and on a CPU the place in
    memory decides the order of sums."""
    for parameter in part.parameters():
        if parameter.is_floating_point():
            parameter.data = parameter.data.clone()


def denoise(tiny: Tiny, folder: Path, placement: Placement | None = None) -> torch.Tensor:
    """Latents of the tiny model's first case, through the stages."""
    asked = tiny.ask(next(iter(tiny.cases)))
    opened = tiny.open(folder)
    if placement is not None:
        opened.place(placement)
    for part in ("transformer", "transformer_2"):
        if placement is None and opened.has_part(part):  # type: ignore[attr-defined]
            align(opened.part(part))  # type: ignore[attr-defined]
    given = None if asked.media is None else opened.encode_given(asked.media)
    embeds = opened.encode_text(asked.prompt, asked.negative)
    done = opened.denoise(embeds, asked.settings, given, lambda *_: None, NoCheckpoint())
    return done["video"]


def replace_part(folder: Path, part: str = "transformer") -> tuple[Tensors, Path]:
    """Takes a part's weights out of a checkpoint; gives them, and where a single file goes."""
    tensors = read_part(folder / part)
    for path in (folder / part).glob("*.safetensors"):
        path.unlink()
    return tensors, folder / part / "single.safetensors"


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model."])
@pytest.mark.parametrize("name", ["wan-2.1", "wan-2.1-bf16", "wan-2.1-i2v", "wan-2.1-vace"])
def test_wans_own_layout_gives_the_bits_of_the_hubs(name: str, prefix: str, tmp_path: Path) -> None:
    tiny = BY_NAME[name]
    tiny.build(tmp_path)
    want = denoise(tiny, tmp_path)
    whole = tiny.open(tmp_path).part("transformer").state_dict()  # type: ignore[attr-defined]
    tensors, path = replace_part(tmp_path)
    named = {name_as_wan(key): tensor for key, tensor in tensors.items()}
    assert len(named.keys() - tensors.keys()) > len(tensors) / 2
    save_single(named, path, prefix)
    loaded = tiny.open(tmp_path).part("transformer").state_dict()  # type: ignore[attr-defined]
    assert {n: t.dtype for n, t in loaded.items()} == {n: t.dtype for n, t in whole.items()}
    assert all(torch.equal(loaded[n], whole[n]) for n in whole)
    assert torch.equal(denoise(tiny, tmp_path), want)


def test_both_experts_come_from_files(tmp_path: Path) -> None:
    tiny = BY_NAME["wan-2.2-a14b"]
    tiny.build(tmp_path)
    want = denoise(tiny, tmp_path)
    for part in ("transformer", "transformer_2"):
        tensors, path = replace_part(tmp_path, part)
        save_single({name_as_wan(key): tensor for key, tensor in tensors.items()}, path)
    assert torch.equal(denoise(tiny, tmp_path), want)


def test_plain_fp8_is_widened(tmp_path: Path) -> None:
    tiny = BY_NAME["wan-2.1-bf16"]
    tiny.build(tmp_path)
    tensors, path = replace_part(tmp_path)
    narrow = {name_as_wan(key): t.to(torch.float8_e4m3fn) for key, t in tensors.items()}
    save_single(narrow, path)
    loaded = tiny.open(tmp_path).part("transformer").state_dict()  # type: ignore[attr-defined]
    assert {t.dtype for t in loaded.values()} == {torch.bfloat16, torch.float32}
    name = "blocks.1.attn1.to_q.weight"
    assert torch.equal(loaded[name], tensors[name].to(torch.float8_e4m3fn).bfloat16())


@pytest.mark.parametrize("layout", [name_as_ltx2, str])
def test_ltx2s_own_layout_gives_the_tensors_of_the_hubs(
    layout: Callable[[str], str], tmp_path: Path
) -> None:
    """Sprite's transformer, as in a file that holds other parts too."""
    source = find_checkpoint(find_model("sprite")) / "transformer"
    shutil.copy(source / "config.json", tmp_path)
    tensors = read_part(source)
    named = {layout(key): tensor for key, tensor in tensors.items()}
    assert (named.keys() == tensors.keys()) == (layout is str)
    beside = {"vae.decoder.conv_in.weight": torch.zeros(1)}
    inside = {f"model.diffusion_model.{key}": tensor for key, tensor in named.items()}
    path = save_single({**beside, **inside}, tmp_path / "single.safetensors")
    kind = diffusers.LTX2VideoTransformer3DModel
    loaded = load_single(kind, path, torch.float32).state_dict()
    whole = kind.from_pretrained(source, dtype=torch.float32).state_dict()
    assert loaded.keys() == whole.keys()
    assert all(torch.equal(loaded[name], whole[name]) for name in whole)


def spoil_missing(tensors: Tensors) -> None:
    del tensors["blocks.1.self_attn.q.weight"]


def spoil_stray(tensors: Tensors) -> None:
    tensors["blocks.2.self_attn.q.weight"] = torch.zeros(24, 24)


def spoil_shape(tensors: Tensors) -> None:
    tensors["head.head.weight"] = torch.zeros(3, 24)


def spoil_scale(tensors: Tensors) -> None:
    tensors["blocks.0.self_attn.q.scale_weight"] = torch.ones(1)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_missing, "lacks blocks.1.attn1.to_q.weight"),
        (spoil_stray, "has no place for: blocks.2.attn1.to_q.weight"),
        (spoil_shape, r"has proj_out.weight as \(3, 24\)"),
        (spoil_scale, "to be multiplied by scales"),
    ],
)
def test_a_wrong_file_is_one_error(
    spoil: Callable[[Tensors], None], said: str, tmp_path: Path
) -> None:
    tiny = BY_NAME["wan-2.1"]
    tiny.build(tmp_path)
    tensors, path = replace_part(tmp_path)
    named = {name_as_wan(key): tensor for key, tensor in tensors.items()}
    spoil(named)
    save_single(named, path)
    with pytest.raises(StageFailed, match=said):
        denoise(tiny, tmp_path)


def pack(folder: Path, kind: str) -> tuple[Path, Tensors]:
    """Replaces the transformer by a GGUF file; gives it, and what it unpacks to."""
    tensors, path = replace_part(folder)
    named = {name_as_wan(key): tensor for key, tensor in tensors.items()}
    unpacked = save_packed(named, path.with_suffix(".gguf"), kind)
    assert sum(not torch.equal(unpacked[n], t.float()) for n, t in named.items()) >= 12
    return path.with_suffix(".gguf"), unpacked


@pytest.mark.parametrize("kind", ["Q8_0", "Q4_0"])
def test_a_packed_transformer_computes_with_what_it_unpacks_to(kind: str, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("packed", "unpacked")]
    for folder in folders:
        PACKABLE.build(folder)
    _, unpacked = pack(folders[0], kind)
    _, path = replace_part(folders[1])
    save_single(unpacked, path)
    want = denoise(PACKABLE, folders[1])
    for placement in (None, Placement("blocks", False, ("transformer",))):
        assert torch.equal(denoise(PACKABLE, folders[0], placement), want)


def test_a_packed_transformer_in_bfloat16(tmp_path: Path) -> None:
    tiny = replace(PACKABLE, model=msgspec.structs.replace(PACKABLE.model, dtype="bfloat16"))
    tiny.build(tmp_path)
    whole = tiny.open(tmp_path).part("transformer").state_dict()  # type: ignore[attr-defined]
    pack(tmp_path, "Q8_0")
    part = tiny.open(tmp_path).part("transformer")  # type: ignore[attr-defined]
    plain = {n: t.dtype for n, t in part.state_dict().items() if t.dtype != torch.uint8}
    assert plain == {name: whole[name].dtype for name in plain}
    assert len(plain) < len(whole)
    assert torch.isfinite(denoise(tiny, tmp_path)).all()


def test_the_header_says_what_the_loaded_layers_take(tmp_path: Path) -> None:
    PACKABLE.build(tmp_path)
    path, _ = pack(tmp_path, "Q4_0")
    packed = read_packed(path)
    part = PACKABLE.open(tmp_path).part("transformer")  # type: ignore[attr-defined]
    assert packed.nbytes == sum(t.nbytes for t in part.parameters())
    blocks = [sum(t.nbytes for t in block.parameters()) for block in part.blocks]
    assert (packed.blocks, packed.block, packed.streamed) == (2, max(blocks), sum(blocks))
    assert packed.widest == max(layer.in_features * layer.out_features
                                for layer in [*castable_layers(part), part.condition_embedder.time_proj])  # fmt: skip  # noqa: E501
    assert not packed.strange


def test_the_lists_are_those_of_diffusers() -> None:
    used = {
        part.class_name
        for name in model_names()
        for model in [find_model(name)]
        for part in [*model.parts, *(p for v in model.variants.values() for p in v.parts)]
        if part.folder.startswith("transformer")
    }
    assert used & SINGLE_FILE_LOADABLE_CLASSES.keys() == SINGLE_CLASSES
    assert {kind.name for kind in SUPPORTED_GGUF_QUANT_TYPES} | {"F16", "F32"} == TYPES


def test_an_adapter_acts_on_packed_layers(tmp_path: Path) -> None:
    PACKABLE.build(tmp_path)
    assert PACKABLE.save_lora is not None
    PACKABLE.save_lora(tmp_path, tmp_path / "a.safetensors")
    pack(tmp_path, "Q8_0")
    plain = denoise(PACKABLE, tmp_path)
    asked = PACKABLE.ask("text", loras=((tmp_path / "a.safetensors", 1.0),))
    opened = PACKABLE.open(tmp_path)
    embeds = opened.encode_text(asked.prompt, asked.negative)
    done = opened.denoise(embeds, asked.settings, None, lambda *_: None, NoCheckpoint())
    assert (done["video"] - plain).abs().max() > 1e-3
    again = PACKABLE.ask("text")
    done = opened.denoise(embeds, again.settings, None, lambda *_: None, NoCheckpoint())
    assert torch.equal(done["video"], plain)
