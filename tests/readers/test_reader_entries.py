"""Readers in the catalogue: what an entry says is what its checkpoint is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rushes.catalogue.load import find_reader_entry, model_names, reader_names
from rushes.catalogue.reader import DEFAULT_READER
from rushes.errors import UsageError
from rushes.hub import find_checkpoint, list_files
from rushes.readers.base import find_reader
from rushes.readers.sampling import sample_clip
from tests.readers.checkpoints import SPOTTER
from tests.readers.weights import TRAINED, needs_spotter


@pytest.mark.parametrize("name", reader_names())
def test_an_entry_is_named_as_its_file_and_its_family_is_known(name: str) -> None:
    entry = find_reader_entry(name)
    assert entry.name == name
    assert entry.limits
    assert find_reader(entry.family).version >= 1


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


@pytest.mark.parametrize("folder", [SPOTTER, pytest.param(TRAINED, marks=needs_spotter)])
def test_spotters_entry_is_its_checkpoint(folder: Path) -> None:
    from safetensors import safe_open

    entry = find_reader_entry("spotter")
    document = json.loads((folder / "video_preprocessor_config.json").read_text())
    sampling = find_reader(entry.family).open(folder, "cpu", entry.dtype).sampling
    said = entry.sampling
    assert (said.fps, said.min_frames, said.max_frames) == (
        sampling.fps, sampling.min_frames, sampling.max_frames,
    )  # fmt: skip
    token = (document["patch_size"] * document["merge_size"]) ** 2
    assert said.pixels_per_frame == document["max_video_tokens"] * token
    (part,) = entry.parts
    assert [part.class_name] == json.loads((folder / "config.json").read_text())["architectures"]
    with safe_open(folder / part.folder / "model.safetensors", "pt") as tensors:
        found = [tensors.get_tensor(key) for key in tensors.keys()]  # noqa: SIM118
    assert sum(tensor.numel() for tensor in found) == part.parameters
    assert {str(tensor.dtype) for tensor in found} == {f"torch.{part.dtype}"}


@needs_spotter
def test_the_trained_weights_are_whole_small_and_safe() -> None:
    folder = find_checkpoint(find_reader_entry("spotter"))
    names = list_files(folder)
    assert {"config.json", "tokenizer.json", "video_preprocessor_config.json"} <= set(names)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert not [path for path in files if path.suffix in (".bin", ".pt", ".pkl", ".ckpt", ".py")]
    assert sum(path.stat().st_size for path in files) <= 25_000_000


@needs_spotter
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
