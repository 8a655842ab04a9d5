"""Wan beside the contract: schedules, experts, what may be given, cleaning and cropping."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from rushes.catalogue.load import find_config, find_model, model_names
from rushes.catalogue.source import Part
from rushes.errors import MediaError, StageFailed
from rushes.models.base import GivenMedia, Placement, find_family
from rushes.models.pixels import crop_picture, to_frames
from rushes.models.wan import LoadedWan
from rushes.models.wan_decode import statistics
from rushes.models.wan_denoise import make_scheduler
from rushes.models.wan_text import clean_prompt, fill_up
from rushes.stages.footage import read_clip
from tests.models.contract.kit import Tiny, clip, picture
from tests.models.contract.wan import FRAMES, HEIGHT, WANS, WIDTH
from tests.models.contract.wan import make_scheduler as tiny_scheduler
from tests.models.golden import NoCheckpoint

BY_NAME = {tiny.name: tiny for tiny in WANS}


def open_tiny(name: str, folder: Path) -> tuple[Tiny, LoadedWan]:
    tiny = BY_NAME[name]
    tiny.build(folder)
    loaded = tiny.open(folder)
    assert isinstance(loaded, LoadedWan)
    return tiny, loaded


def denoise(tiny: Tiny, loaded: LoadedWan, **more: Any) -> torch.Tensor:
    asked = tiny.ask(next(iter(tiny.cases)), **more)
    embeds = loaded.encode_text(asked.prompt, asked.negative)
    return loaded.denoise(embeds, asked.settings, None, lambda *_: None, NoCheckpoint())["video"]


def test_one_expert_at_a_time_gives_the_same_bits(tmp_path: Path) -> None:
    tiny, loaded = open_tiny("wan-2.2-a14b", tmp_path)
    both = denoise(tiny, loaded)
    assert {"transformer", "transformer_2"} <= set(loaded._parts)
    loaded.place(Placement("parts"))
    assert torch.equal(denoise(tiny, loaded), both)
    assert "transformer" not in loaded._parts
    assert not torch.equal(denoise(tiny, loaded, guidance_2=None), both)
    assert torch.equal(denoise(tiny, loaded), both)


def test_fixed_noise_levels_are_taken_as_they_are() -> None:
    tiny = BY_NAME["wan-2.1"]
    settings = tiny.ask("text").settings
    fixed = make_scheduler(tiny_scheduler(), replace(settings, sigmas=(0.99, 0.75, 0.5)), "cpu")
    np.testing.assert_allclose(fixed.sigmas, [0.99, 0.75, 0.5, 0.0], rtol=1e-6)
    shifted = make_scheduler(
        tiny_scheduler(), replace(settings, sigmas=(0.99, 0.75, 0.5), shift=3.0), "cpu"
    )
    np.testing.assert_allclose(shifted.sigmas[1:], [0.9, 0.75, 0.0], rtol=1e-6)
    assert len(make_scheduler(tiny_scheduler(), settings, "cpu").timesteps) == settings.steps


def test_a_distilled_schedule_runs(tmp_path: Path) -> None:
    tiny, loaded = open_tiny("wan-2.1", tmp_path)
    made = denoise(tiny, loaded, sigmas=(1.0, 0.9, 0.6), steps=3, guidance=1.0)
    assert made.isfinite().all()


def give(**media: Any) -> GivenMedia:
    clips = {name: value for name, value in media.items() if isinstance(value, list)}
    pictures = {name: value for name, value in media.items() if name not in clips}
    return GivenMedia(FRAMES, HEIGHT, WIDTH, pictures, clips)


@pytest.mark.parametrize(
    ("name", "media", "message"),
    [
        ("wan-2.1-i2v", {"last_image": picture(32, 48)}, "goes on from a first picture"),
        ("wan-2.1-i2v", {"control": clip(FRAMES, 32, 48)}, "goes on from a first picture"),
        (
            "wan-2.2-ti2v-5b",
            {"image": picture(32, 48), "last_image": picture(32, 48)},
            "cannot be given a last picture",
        ),
        (
            "wan-2.1-vace",
            {"video": clip(FRAMES, 32, 48), "control": clip(FRAMES, 32, 48)},
            "fill the same frames",
        ),
    ],
)
def test_what_a_checkpoint_cannot_be_given_is_refused(
    name: str, media: dict[str, Any], message: str, tmp_path: Path
) -> None:
    _, loaded = open_tiny(name, tmp_path)
    with pytest.raises(StageFailed, match=message):
        loaded.encode_given(give(**media))


def test_a_checkpoint_that_needs_a_picture_says_so(tmp_path: Path) -> None:
    tiny, loaded = open_tiny("wan-2.1-i2v", tmp_path)
    with pytest.raises(StageFailed, match="only makes clips from a picture"):
        denoise(tiny, loaded)


def test_prompts_are_cleaned_as_wans_pipeline_does() -> None:
    from diffusers.pipelines.wan.pipeline_wan import prompt_clean

    for text in ("  a  ball\n rolls ", "Tom &amp;amp; Jerry", "schÃ¶n", "“quoted” – text"):
        assert clean_prompt(text) == prompt_clean(text)


def test_text_is_kept_as_long_as_it_is(tmp_path: Path) -> None:
    _, loaded = open_tiny("wan-2.1", tmp_path)
    embeds = loaded.encode_text("ball", "")
    assert embeds["prompt"].shape == (6, 32)  # a mark of the word's start, four letters, the end
    assert embeds["negative"].shape == (1, 32)
    filled = fill_up(embeds["prompt"])
    assert filled.shape == (1, 512, 32)
    assert not filled[:, 6:].any()
    assert loaded.encode_text("ball " * 300, "")["prompt"].shape == (512, 32)


def test_pictures_of_other_proportions_are_cut_at_their_middle() -> None:
    wide = picture(20, 100)
    cut = np.asarray(crop_picture(wide, HEIGHT, WIDTH))
    assert np.array_equal(cut, wide[:, 35:65])
    tall = picture(90, 30)
    assert np.array_equal(np.asarray(crop_picture(tall, HEIGHT, WIDTH)), tall[35:55])
    same = picture(64, 96)
    assert np.array_equal(np.asarray(crop_picture(same, HEIGHT, WIDTH)), same)


@pytest.mark.parametrize("name", [name for name in model_names() if name.startswith("wan-")])
def test_entries_of_the_catalogue_fit_their_family(name: str) -> None:
    model = find_model(name)
    family = find_family(model.family)
    named = {folder for folders in family.folders.values() for folder in folders}
    for variant in ("", *model.variants):
        controls = model.variants[variant].controls if variant else []
        chosen = model.variant_for(controls)
        assert chosen.choice == variant
        classes = {part.folder: part.class_name for part in chosen.parts}
        assert set(classes) <= named
        config = next(find_config(p) for p in chosen.parts if p.folder == "transformer")
        channels = model.latents.video_channels
        mask = model.latents.video_frames
        told = channels + mask if variant else 0
        assert config["in_channels"] == channels + told
        assert config.get("vace_in_channels") in (None, 2 * channels + model.latents.video_size**2)
        vace = classes["transformer"] == "WanVACETransformer3DModel"
        assert (family.reads_given == "always") == vace


@pytest.mark.parametrize("name", ["wan-2.1", "wan-2.2-ti2v-5b"])
def test_tiles_are_decoded_as_a_stream_too(name: str, tmp_path: Path) -> None:
    tiny, loaded = open_tiny(name, tmp_path)
    vae, step = loaded.part("vae"), tiny.model.latents.video_size
    vae.enable_tiling(4 * step, 5 * step, 3 * step, 3 * step)
    latents = torch.randn(tiny.model.latents.video_channels, 3, 7, 9)
    ours = np.stack(list(loaded.decode_video({"video": latents})))
    mean, std = statistics(vae, latents)
    with torch.inference_mode():
        whole = vae.decode(latents[None] / std + mean, return_dict=False)[0]
    assert np.array_equal(ours, np.stack(list(to_frames(whole))))
    vae.disable_tiling()
    assert not np.array_equal(ours, np.stack(list(loaded.decode_video({"video": latents}))))


def test_a_checkpoint_of_another_class_is_refused(tmp_path: Path) -> None:
    tiny, _ = open_tiny("wan-2.1", tmp_path)
    part = Part("transformer", "WanVACETransformer3DModel", 0, "float32")
    model = msgspec.structs.replace(tiny.at(tmp_path), parts=[part])
    loaded = find_family("wan").open(tmp_path, model, "cpu")
    message = "has a WanTransformer3DModel as transformer, where tiny-wan has a WanVACE"
    with pytest.raises(StageFailed, match=message):
        loaded.part("transformer")


@pytest.mark.parametrize("name", ["transformer", "text_encoder", "vae"])
def test_weights_with_holes_are_refused(name: str, tmp_path: Path) -> None:
    _, loaded = open_tiny("wan-2.1", tmp_path)
    (path,) = (tmp_path / name).glob("*.safetensors")
    tensors = load_file(path)
    lost = sorted(tensors)[0]
    save_file({key: tensors[key] for key in tensors if key != lost}, path, {"format": "pt"})
    with pytest.raises(StageFailed, match=f"lacks tensors of its {name}: {lost}"):
        loaded.part(name)


def test_a_mask_may_be_one_picture(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    Image.fromarray(picture(8, 8)).save(path)
    assert len(read_clip(path, 9, 16.0, still=True)) == 9
    with pytest.raises(MediaError, match="shows 1 frames"):
        read_clip(path, 9, 16.0)
