"""Every family on a tiny checkpoint of its true class: the model gets what was sampled."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rushes.errors import UsageError
from rushes.readers.base import BUILT_IN, Frames, find_reader
from rushes.readers.loaded import LoadedTransformer
from rushes.readers.sampling import sample_clip
from tests.readers.checkpoints import make_frames, write_clip

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
from tests.readers.contract.checkpoints import TINY  # noqa: E402

FAMILIES = sorted(TINY)
TIMED = ("qwen3vl", "qwen3_5")
"""Families that write a time before each pair of frames."""
RATES = {
    "24": [Fraction(k, 24) for k in range(60)],
    "25": [Fraction(k, 25) for k in range(60)],
    "29.97": [Fraction(1001 * k, 30000) for k in range(70)],
    "30": [Fraction(k, 30) for k in range(70)],
    "60": [Fraction(k, 60) for k in range(130)],
    "variable": [Fraction(k * k, 400) for k in range(30)],
}
QUESTION = "what happens?"


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("tiny")
    return {family: tiny.write(base / family) for family, tiny in TINY.items()}


@pytest.fixture(scope="module")
def readers(folders: dict[str, Path]) -> dict[str, LoadedTransformer]:
    found = {name: find_reader(name).open(folder, "cpu") for name, folder in folders.items()}
    return {n: reader for n, reader in found.items() if isinstance(reader, LoadedTransformer)}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("clips")
    return {name: write_clip(base / f"{name}.mp4", times) for name, times in RATES.items()}


class Seen:
    """The arguments of every forward of the model."""

    def __init__(self, reader: LoadedTransformer) -> None:
        self.calls: list[dict[str, Any]] = []
        self._hook = reader.part("model").register_forward_pre_hook(self._see, with_kwargs=True)

    def _see(self, module: Any, args: Any, kwargs: dict[str, Any]) -> None:
        self.calls.append(kwargs)

    def close(self) -> None:
        self._hook.remove()


def watch(reader: LoadedTransformer, frames: Frames, question: str) -> tuple[dict[str, Any], str]:
    """What the first forward was given, and the whole prompt as text."""
    reader._read = None
    seen = Seen(reader)
    try:
        reader.ask(frames, question, max_tokens=1)
    finally:
        seen.close()
    first, second = seen.calls[:2]
    ids = [*first["input_ids"][0].tolist(), *second["input_ids"][0].tolist()]
    return first, reader.part("tokenizer").decode(ids)


def find_levels(family: str, given: dict[str, Any], reader: LoadedTransformer) -> list[float]:
    """The grey level of each frame that the model was given, from its normalised pixels."""
    mean, deviation = (torch.tensor(values) for values in TINY[family].normal)
    if "video_grid_thw" in given:
        (t, h, w) = given["video_grid_thw"][0].tolist()
        values = given["pixel_values_videos"].view(t, h * w, 3, 2, -1)
        by_frame = values.mean(dim=(1, 4)).permute(0, 2, 1).reshape(2 * t, 3)
    else:
        values = given["pixel_values_videos"][0] if "pixel_values_videos" in given else None
        values = given["pixel_values"] if values is None else values
        by_frame = values.mean(dim=(2, 3))
    return [float(v) for v in ((by_frame * deviation + mean) * 255).mean(dim=1)]


def test_the_suite_knows_every_family() -> None:
    assert set(TINY) == set(BUILT_IN)


@pytest.mark.parametrize("rate", sorted(RATES))
@pytest.mark.parametrize("family", FAMILIES)
def test_frames_and_times_that_reach_the_model_are_those_that_were_sampled(
    family: str, rate: str, readers: dict[str, LoadedTransformer], clips: dict[str, Path]
) -> None:
    reader, exact = readers[family], [float(t) for t in RATES[rate]]
    frames = sample_clip(clips[rate], reader.sampling)
    given, prompt = watch(reader, frames, QUESTION)
    numbers = [int(np.argmin([abs(s - t) for t in exact])) for s in frames.seconds]
    assert [exact[k] for k in numbers] == pytest.approx(frames.seconds, abs=1e-4)
    levels = find_levels(family, given, reader)
    expected = [20 + 5 * (k % 44) for k in numbers]
    if len(levels) > len(expected):
        expected.append(expected[-1])  # pairs are filled up with the last frame
    assert levels == pytest.approx(expected, abs=2.5)
    said = [float(text) for text in re.findall(r"\d+\.\d", prompt)]
    times = list(frames.seconds)
    if family in TIMED:
        times += times[-1:] * (len(times) % 2)
        times = [(a + b) / 2 for a, b in zip(times[::2], times[1::2], strict=True)]
    assert said == pytest.approx(times, abs=0.051)
    assert QUESTION in prompt


@pytest.mark.parametrize("family", FAMILIES)
def test_answers_are_those_of_generate(family: str, readers: dict[str, LoadedTransformer]) -> None:
    reader, frames = readers[family], make_frames(6)
    model = reader.part("model")
    for question in (QUESTION, "is it red?", "when does it land"):
        said = reader.ask(frames, question, max_tokens=10).answer
        before, after = reader._write_prompt(question, reader.write_after(frames))
        clip = reader.make_clip(frames)
        ids = torch.tensor([reader._encode(before + clip.text + after)])
        more: dict[str, Any] = {}
        if clip.times:
            more["mm_token_type_ids"] = 2 * (ids == model.config.video_token_id).int()
        if family == "qwen2_5vl":
            more["second_per_grid_ts"] = torch.tensor([2 / 8])
        out = model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), **clip.inputs, **more,
            do_sample=False, max_new_tokens=10,
        )  # fmt: skip
        words = reader.part("tokenizer").decode(out[0, ids.shape[1] :], skip_special_tokens=True)
        assert said == words.strip()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_question_leaves_no_trace_in_the_next(
    family: str, readers: dict[str, LoadedTransformer]
) -> None:
    reader, frames = readers[family], make_frames(6, seed=3)
    questions = ("what colour is the ball?", "x", "a much longer question than the others")
    alone = []
    for question in questions:
        reader._read = None
        alone.append(reader.ask(frames, question, max_tokens=8).answer)
    reader._read = None
    assert [reader.ask(frames, q, max_tokens=8).answer for q in questions] == alone
    assert reader.ask(frames, questions[0], max_tokens=8).answer == alone[0]


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_measured_beforehand_is_what_it_becomes(
    family: str, readers: dict[str, LoadedTransformer]
) -> None:
    reader = readers[family]
    for count, height, width in ((6, 60, 80), (1, 50, 50), (13, 300, 170)):
        frames = make_frames(count, height, width)
        size = reader.settings.measure(count, height, width)
        clip = reader.make_clip(frames)
        told = reader._encode(clip.text + reader.write_after(frames))
        pads = clip.text.count(reader.MARKER)
        if family == "pixtral":
            assert clip.inputs["image_sizes"].tolist() == [[size.height, size.width]] * count
            pads = clip.text.count("[IMG]")
        elif clip.times:
            patch = reader.settings.patch_size  # type: ignore[attr-defined]
            assert clip.grid[1:] == (size.height // patch, size.width // patch)
        else:
            values = next(iter(clip.inputs.values()))
            assert tuple(values.shape[-2:]) == (size.height, size.width)
        assert pads <= size.tokens
        assert len(told) <= size.tokens * 3 + 90  # bytes here; real tokenizers have longer ones


@pytest.mark.parametrize("family", FAMILIES)
def test_a_question_may_not_hold_the_familys_marks(
    family: str, readers: dict[str, LoadedTransformer]
) -> None:
    reader = readers[family]
    for mark in reader.list_controls():
        with pytest.raises(UsageError, match="control token"):
            reader.ask(make_frames(), f"what is {mark}?")


@pytest.mark.parametrize("family", FAMILIES)
def test_another_familys_folder_is_refused(family: str, folders: dict[str, Path]) -> None:
    for other, folder in folders.items():
        if other != family:
            with pytest.raises(UsageError, match=f"{other} holds a"):
                find_reader(family).open(folder, "cpu")


def test_uneven_times_are_in_the_positions_of_qwen25(
    readers: dict[str, LoadedTransformer],
) -> None:
    reader = readers["qwen2_5vl"]
    frames = make_frames(6)
    uneven = Frames(frames.pixels, (0.0, 0.5, 1.0, 1.5, 8.0, 9.0), "clip.mp4")
    given, _ = watch(reader, uneven, QUESTION)
    of_clip = given["input_ids"][0] == reader.part("model").config.video_token_id
    steps = given["position_ids"][0, 0, of_clip]
    assert (steps.unique() - steps.min()).tolist() == [0, 4, 33]  # 0, 1 and 8.25 s, 4 a second
