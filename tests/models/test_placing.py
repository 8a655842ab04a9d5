"""Placement moves bytes and changes none; numerics change what is computed, and say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from rushes.catalogue.load import find_model
from rushes.catalogue.model import NOT_DONE
from rushes.errors import StageFailed
from rushes.hub import find_checkpoint
from rushes.models.base import RESIDENT, DenoiseSettings, Placement, find_family
from rushes.models.ltx2 import LoadedLTX2
from rushes.models.placing import apply_numerics, castable_layers, find_blocks
from tests.models.golden import NoCheckpoint

LARGE = ("text_encoder", "transformer")
WAYS = [Placement("parts"), Placement("blocks", False, LARGE), Placement("leaves", False, LARGE)]
SETTINGS = DenoiseSettings(
    seed=3, first=0, latents=5, audio_offset=0.0, audio_latents=27, height=96, width=96,
    fps=16.0, steps=2, guidance=2.5, audio_guidance=3.0,
)  # fmt: skip


def open_sprite(**numerics: Any) -> LoadedLTX2:
    entry = msgspec.structs.replace(find_model("sprite"), numerics=numerics)
    loaded = find_family(entry.family).open(find_checkpoint(entry), entry, "cpu")
    assert isinstance(loaded, LoadedLTX2)
    return loaded


def make_clip(model: LoadedLTX2, placement: Placement) -> dict[str, Any]:
    """Every stage, each told the placement as a worker tells it."""
    model.place(placement)
    embeds = model.encode_text("a red ball", "")
    model.place(placement)
    latents = model.denoise(embeds, SETTINGS, None, lambda done, total: None, NoCheckpoint())
    model.place(placement)
    frames = np.stack(list(model.decode_video(latents)))
    model.place(placement)
    sound = np.concatenate(list(model.decode_audio(latents)))
    return {**embeds, "latents": latents["video"], "frames": frames, "sound": sound}


@pytest.fixture(scope="module")
def resident() -> dict[str, Any]:
    return make_clip(open_sprite(), RESIDENT)


@pytest.mark.parametrize("placement", WAYS, ids=lambda way: way.label)
def test_placement_changes_no_bit(resident: dict[str, Any], placement: Placement) -> None:
    made = make_clip(open_sprite(), placement)
    assert made.keys() == resident.keys()
    for name, value in resident.items():
        assert np.array_equal(np.asarray(made[name]), np.asarray(value)), name


def test_a_model_can_be_placed_anew_between_stages(resident: dict[str, Any]) -> None:
    model = open_sprite()
    for placement in (WAYS[1], RESIDENT, WAYS[0]):
        assert np.array_equal(make_clip(model, placement)["frames"], resident["frames"])


def test_parts_that_do_not_work_are_gone(resident: dict[str, Any]) -> None:
    model = open_sprite()
    make_clip(model, Placement("parts"))
    assert set(model._shelves) == {"audio_vae", "vocoder"}
    make_clip(model, RESIDENT)
    assert {"transformer", "vae", "text_encoder"} <= set(model._shelves)


KINDS = ("fp8", "int8", "nvfp4")


@pytest.mark.parametrize("kind", KINDS)
def test_numerics_change_the_bytes_and_little_else(resident: dict[str, Any], kind: str) -> None:
    model = open_sprite(transformer=kind)
    stored = {layer.weight.dtype for layer in castable_layers(model.part("transformer"))}
    assert stored == {torch.float8_e4m3fn if kind == "fp8" else torch.int8}
    made = make_clip(model, RESIDENT)
    assert np.array_equal(made["video"], resident["video"])
    assert not np.array_equal(made["latents"], resident["latents"])
    off = np.abs(np.asarray(made["latents"]) - np.asarray(resident["latents"])).mean()
    assert off < (0.6 if kind == "nvfp4" else 0.3) * np.asarray(resident["latents"]).std()
    narrow = sum(p.nbytes for p in model.part("transformer").parameters())
    whole = sum(p.nbytes for p in open_sprite().part("transformer").parameters())
    assert narrow < 0.5 * whole


@pytest.mark.parametrize("kind", KINDS)
def test_numerics_give_the_same_bits_wherever_the_part_lies(kind: str) -> None:
    lying = [RESIDENT, Placement("blocks", False, ("transformer",))]
    one, two = (make_clip(open_sprite(transformer=kind), way)["latents"] for way in lying)
    assert torch.equal(one, two)


@pytest.mark.parametrize("kind", sorted(NOT_DONE))
def test_what_is_not_done_is_refused_by_name(kind: str) -> None:
    with pytest.raises(StageFailed, match=r"\w"):
        apply_numerics(torch.nn.Linear(2, 2), kind)


def test_a_part_that_cannot_work_in_tiles_says_so(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match="Linear has no numerics 'tiled'"):
        apply_numerics(torch.nn.Linear(2, 2), "tiled")


def test_blocks_are_found_in_transformers_of_diffusers_alone() -> None:
    model = open_sprite()
    assert len(find_blocks(model.part("transformer"))) == 5
    assert find_blocks(model.part("text_encoder")) == []
    names = {name for name, _ in model.part("transformer").named_modules()}
    assert len(castable_layers(model.part("transformer"))) < len(names)
