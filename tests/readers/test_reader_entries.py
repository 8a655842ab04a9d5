"""Readers in the catalogue: what an entry says is what its checkpoint is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rushes.catalogue.load import find_reader_entry, model_names, reader_names
from rushes.catalogue.reader import DEFAULT_READER
from rushes.catalogue.source import DTYPE_BYTES, HubSource
from rushes.errors import UsageError
from rushes.hub import find_checkpoint, list_files
from rushes.readers.base import find_reader
from rushes.readers.sampling import sample_clip
from rushes.spec.project import Project
from tests.readers.architectures import CONFIGURATIONS, build_on_meta, count_cache_bytes
from tests.readers.checkpoints import SPOTTER

TRAINED = find_checkpoint(find_reader_entry("spotter"))


@pytest.mark.parametrize("name", reader_names())
def test_an_entry_is_named_as_its_file_and_its_family_is_known(name: str) -> None:
    entry = find_reader_entry(name)
    assert entry.name == name
    assert entry.limits
    assert find_reader(entry.family).version >= 1


HUB = [n for n in reader_names() if isinstance(find_reader_entry(n).source, HubSource)]


def test_the_open_readers_are_there() -> None:
    assert set(HUB) == set(CONFIGURATIONS)
    assert set(reader_names()) - set(HUB) == {"spotter"}


@pytest.mark.parametrize("name", HUB)
def test_parameters_and_cache_are_those_of_the_class(name: str) -> None:
    entry = find_reader_entry(name)
    (part,) = entry.parts
    model = build_on_meta(part.class_name, CONFIGURATIONS[name])
    assert sum(p.numel() for p in model.parameters()) == entry.parameters
    width = DTYPE_BYTES[part.dtype]
    assert count_cache_bytes(model.config, width) == entry.cache_bytes_per_token


@pytest.mark.parametrize("name", HUB)
def test_a_licence_says_its_terms_where_it_was_read_and_what_was_not_verified(name: str) -> None:
    entry = find_reader_entry(name)
    licence = entry.licence
    assert licence.url == f"https://huggingface.co/{entry.source.label.removeprefix('hub:')}"
    assert (licence.checked, licence.read) == ("2026-11-21", "second-hand")
    assert all(text.endswith(".") for text in (*licence.terms, *entry.limits))
    if licence.ids != ["apache-2.0"]:
        assert licence.terms, "parts under another licence need that said"
    assert "Not run here with the real weights." in " ".join(entry.verified.split())


def test_a_policy_has_to_list_the_licences_of_all_parts(tmp_path: Path) -> None:
    from rushes.errors import LicenceRefused
    from rushes.spec.licence import (
        check_licence,
    )
    from rushes.spec.resolve import (
        load_project,
    )

    def policy(*licences: str) -> Project:
        text = f"[project]\nname = 'a'\n[policy]\nlicences = {list(licences)}\n"
        text += "[shots.a]\nprompt = 'a'\n"
        (tmp_path / "rushes.toml").write_text(text)
        return load_project(tmp_path)

    large = find_reader_entry("internvl3-78b")
    with pytest.raises(LicenceRefused, match="mit and qwen; the policy does not list qwen"):
        check_licence(policy("apache-2.0", "mit"), large)
    check_licence(policy("apache-2.0", "mit", "qwen"), large)
    check_licence(policy("apache-2.0", "mit"), find_reader_entry("internvl3-8b"))
    with pytest.raises(LicenceRefused, match="does not list tongyi-qianwen"):
        check_licence(policy("apache-2.0"), find_reader_entry("llava-onevision-72b"))


@pytest.mark.parametrize("name", reader_names())
def test_an_entry_looks_as_its_family_does(name: str) -> None:
    entry = find_reader_entry(name)
    settings = find_reader(entry.family).make_settings(entry.processor, name)
    if name != "spotter":  # its rate stands in a file that entries do not repeat
        said = entry.sampling
        looks = settings.sampling
        assert (said.fps, said.min_frames, said.max_frames) == (
            looks.fps, looks.min_frames, looks.max_frames,
        )  # fmt: skip
    size = settings.measure(entry.sampling.min_frames, 1080, 1920)
    assert size.height * size.width <= 1.01 * entry.sampling.pixels_per_frame
    assert size.tokens < entry.context


def test_generators_and_readers_share_one_namespace() -> None:
    """The lock, the ledger and plans know a checkpoint by its name alone."""
    assert set(model_names()) & set(reader_names()) == set()
    assert DEFAULT_READER in reader_names()


def test_an_unknown_reader_is_a_usage_error_with_a_suggestion() -> None:
    with pytest.raises(UsageError, match="no reader 'spoter'") as caught:
        find_reader_entry("spoter")
    assert "spotter" in str(caught.value.hint)
    with pytest.raises(UsageError, match="no reader 'sprite'"):
        find_reader_entry("sprite")


@pytest.mark.parametrize("folder", [SPOTTER, TRAINED])
def test_spotters_entry_is_its_checkpoint(folder: Path) -> None:
    from safetensors import safe_open

    entry = find_reader_entry("spotter")
    document = json.loads((folder / "video_preprocessor_config.json").read_text())
    sampling = find_reader(entry.family).open(folder, "cpu", entry.dtype).sampling
    said = entry.sampling
    assert (said.fps, said.min_frames, said.max_frames) == (
        sampling.fps, sampling.min_frames, sampling.max_frames,
    )  # fmt: skip
    for key, value in entry.processor.items():
        assert document[key] == value, key
    config = json.loads((folder / "config.json").read_text())["text_config"]
    assert entry.context == config["max_position_embeddings"]
    token = (document["patch_size"] * document["merge_size"]) ** 2
    assert said.pixels_per_frame == document["max_video_tokens"] * token
    (part,) = entry.parts
    assert [part.class_name] == json.loads((folder / "config.json").read_text())["architectures"]
    with safe_open(folder / part.folder / "model.safetensors", "pt") as tensors:
        found = [tensors.get_tensor(key) for key in tensors.keys()]  # noqa: SIM118
    assert sum(tensor.numel() for tensor in found) == part.parameters
    assert {str(tensor.dtype) for tensor in found} == {f"torch.{part.dtype}"}


def test_the_trained_weights_are_whole_small_and_safe() -> None:
    folder = find_checkpoint(find_reader_entry("spotter"))
    names = list_files(folder)
    assert {"config.json", "tokenizer.json", "video_preprocessor_config.json"} <= set(names)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert not [path for path in files if path.suffix in (".bin", ".pt", ".pkl", ".ckpt", ".py")]
    assert sum(path.stat().st_size for path in files) <= 25_000_000


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("is there a red ball?", "yes"),
        ("does the red ball bounce?", "yes"),
        ("is the background grey?", "yes"),
        ("is there a blue square?", "no"),
        ("does the red ball blink?", "no"),
        ("is the background white?", "no"),
        ("what colour is the ball?", "red"),
    ],
)
def test_the_trained_weights_answer_about_the_world(
    question: str, answer: str, tmp_path: Path
) -> None:
    import numpy as np

    from training.spotter.render import write_mp4
    from training.sprite import world

    fixed = {"colour": "red", "shape": "ball", "motion": "bounces", "background": "grey"}
    scene = world.sample_scene(np.random.default_rng(3), speed="fast", **fixed)
    path = tmp_path / "clip.mp4"
    write_mp4(path, world.render_video(scene), world.FPS, 12)
    entry = find_reader_entry("spotter")
    reader = find_reader(entry.family).open(find_checkpoint(entry), "cpu", entry.dtype)
    assert reader.ask(sample_clip(path, reader.sampling), question).answer == answer
