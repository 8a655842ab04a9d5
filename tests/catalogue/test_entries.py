"""Every entry of the catalogue is true to its own rules."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

import pytest

from rushes.catalogue.load import find_config, find_model, model_names
from rushes.catalogue.model import Model
from rushes.catalogue.source import HubSource, PackageSource, Part
from rushes.types import VideoShape

NAMES = model_names()
HUB = [name for name in NAMES if isinstance(find_model(name).source, HubSource)]
OPEN = [
    "cogvideox-5b", "hunyuan-video", "hunyuan-video-1.5", "ltx-2", "ltx-2.3", "ltx-2.5",
    "wan-2.1-1.3b", "wan-2.1-14b", "wan-2.1-vace-1.3b", "wan-2.1-vace-14b", "wan-2.2-a14b",
    "wan-2.2-ti2v-5b",
]  # fmt: skip
WHOLE = {
    "image", "last_image", "keyframes", "extend", "audio", "video", "retake", "control", "loras",
}  # fmt: skip


def every_part(model: Model) -> Iterator[Part]:
    yield from model.parts
    for variant in model.variants.values():
        yield from variant.parts


def test_the_open_generators_are_there() -> None:
    assert HUB == OPEN


@pytest.mark.parametrize("name", NAMES)
def test_the_default_clip_is_legal(name: str) -> None:
    model = find_model(name)
    width, height = map(int, model.defaults.size.split("x"))
    shape = VideoShape(
        frames=model.defaults.frames, width=width, height=height, fps=model.defaults.fps
    )
    assert model.check_shape(shape) is None
    assert model.grid.is_legal_frames(model.grid.frames_min)
    assert model.grid.is_legal_frames(model.grid.frames_max)


@pytest.mark.parametrize("name", NAMES)
def test_every_size_and_rate_that_is_named_is_legal(name: str) -> None:
    grid = find_model(name).grid
    assert grid.sizes
    assert grid.fps
    for size in grid.sizes:
        width, height = map(int, size.split("x"))
        assert grid.is_legal_size(width, height), size
        assert width % grid.size_multiple == height % grid.size_multiple == 0, size
    assert all(grid.is_legal_fps(fps) for fps in grid.fps)


@pytest.mark.parametrize("name", NAMES)
def test_the_licence_says_where_it_stands_and_when_it_was_read(name: str) -> None:
    licence = find_model(name).licence
    assert licence.url.startswith("https://")
    assert licence.checked == "2026-11-21"
    assert all(term.endswith(".") for term in licence.terms)
    if licence.id not in ("apache-2.0", "mit"):
        assert licence.terms, "a licence of its own needs its terms said"


@pytest.mark.parametrize("name", NAMES)
def test_controls_have_what_they_need(name: str) -> None:
    model = find_model(name)
    assert ("control" in model.controls) == bool(model.control_kinds)
    assert set(model.control_loras) in (set(), set(model.control_kinds))
    if "audio" in model.controls:
        assert model.mel is not None
        assert model.latents.audio is not None
    assert ("extend" in model.controls) == (model.reach is not None or model.tail > 0)
    for variant in model.variants.values():
        assert set(variant.controls) <= set(model.controls)


@pytest.mark.parametrize("name", NAMES)
def test_fixed_noise_levels_are_as_many_as_steps_and_fall(name: str) -> None:
    model = find_model(name)
    for sampling in (model.defaults, *model.schedules.values()):
        if sampling.sigmas:
            assert len(sampling.sigmas) == sampling.steps
            assert sampling.sigmas == sorted(sampling.sigmas, reverse=True)
        assert not sampling.lora or sampling.lora in {part.folder for part in model.parts}


@pytest.mark.parametrize("name", HUB)
def test_an_entry_says_what_was_not_verified(name: str) -> None:
    model = find_model(name)
    assert "Not run here with the real weights." in " ".join(model.verified.split())
    assert model.limits
    assert all(limit.endswith(".") for limit in model.limits)


def test_the_right_checkpoint_stands_behind_what_a_shot_is_given() -> None:
    wan = find_model("wan-2.1-14b")
    assert wan.variant_for([]).id == "wan-2.1-14b"
    assert wan.variant_for(["image"]).id == "wan-2.1-14b:i2v"
    assert wan.variant_for(["image", "last_image"]).id == "wan-2.1-14b:flf2v"
    parts = {part.folder: part for part in wan.variant_for(["image"]).parts}
    assert parts["transformer"].parameters == 16_394_878_784
    assert parts["text_encoder"] == wan.parts[0]
    assert "image_encoder" in parts


def test_no_configuration_lies_about_unused() -> None:
    folder = resources.files("rushes.catalogue").joinpath("configs")
    files = {
        f"{model.name}/{file.name}"
        for model in folder.iterdir()
        for file in model.iterdir()  # one folder deep
    }
    used = {part.config for name in NAMES for part in every_part(find_model(name)) if part.config}
    assert files == used


@pytest.mark.parametrize("name", HUB)
def test_a_configuration_names_the_class_of_its_part(name: str) -> None:
    for part in every_part(find_model(name)):
        if part.class_name == "LoRA":
            assert part.source is not None
            assert part.source.file.endswith(".safetensors")
            continue
        config = find_config(part)
        assert part.class_name in (config.get("_class_name"), *config.get("architectures", []))


def test_ltx_can_be_given_all_but_what_is_vaces() -> None:
    for name in ("ltx-2", "ltx-2.3", "ltx-2.5"):
        assert set(find_model(name).controls) == WHOLE


def test_the_embedded_model_is_in_the_package() -> None:
    assert isinstance(find_model("sprite").source, PackageSource)
