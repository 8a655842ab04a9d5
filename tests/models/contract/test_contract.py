"""What every generator keeps to, on tiny checkpoints of its true classes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from rushes.catalogue.model import Speed
from rushes.errors import StageFailed
from rushes.models.base import LoadedModel, Placement, find_family
from rushes.types import VideoShape
from tests.models.contract.cogvideox import COGVIDEOXS
from tests.models.contract.hunyuan import HUNYUANS
from tests.models.contract.hunyuan15 import HUNYUANS15
from tests.models.contract.kit import Asked, Reference, Tiny
from tests.models.contract.wan import WANS
from tests.models.golden import NoCheckpoint
from tests.models.killed import Killed, KilledAfter

TINIES = [*WANS, *HUNYUANS, *HUNYUANS15, *COGVIDEOXS]
CASES = [pytest.param(tiny, case, id=f"{tiny}-{case}") for tiny in TINIES for case in tiny.cases]
each_tiny = pytest.mark.parametrize("tiny", TINIES, ids=repr)
Tensors = dict[str, torch.Tensor]


class Opened:
    """A tiny checkpoint, its model, and what was made with it."""

    def __init__(self, tiny: Tiny, folder: Path) -> None:
        self.tiny, self.folder = tiny, folder
        self.loaded: LoadedModel = tiny.open(folder)
        self._embeds: dict[str, Tensors] = {}
        self._made: dict[str, Tensors] = {}

    def denoise(self, asked: Asked, checkpoint: Any = None, report: Any = None) -> Tensors:
        given = None if asked.media is None else self.loaded.encode_given(asked.media)
        seen = "".join(asked.media.pictures) if asked.media is not None else ""
        if seen not in self._embeds:
            self._embeds[seen] = self.read(asked.prompt, asked.negative, given)
        return self.loaded.denoise(
            self._embeds[seen],
            asked.settings,
            given,
            report or (lambda done, total: None),
            checkpoint or NoCheckpoint(),
        )

    def read(self, prompt: str, negative: str, given: Tensors | None) -> Tensors:
        """The prompts, with what is given before the eyes of models that see it."""
        if given is not None and find_family(self.tiny.model.family).reads_given == "first":
            return self.loaded.encode_pictured_text(prompt, negative, given)
        return self.loaded.encode_text(prompt, negative)

    def make(self, case: str) -> Tensors:
        """The latents of a case, once."""
        if case not in self._made:
            self._made[case] = self.denoise(self.tiny.ask(case))
        return self._made[case]

    def decode(self, latents: Tensors) -> np.ndarray[Any, Any]:
        return np.stack(list(self.loaded.decode_video(latents)))


class Told:
    """What progress was told."""

    def __init__(self) -> None:
        self.all: list[tuple[int, int]] = []

    def __call__(self, done: int, total: int) -> None:
        self.all.append((done, total))


Open = Callable[[Tiny], Opened]


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Open:
    known: dict[str, Opened] = {}

    def open_tiny(tiny: Tiny) -> Opened:
        if tiny.name not in known:
            folder = tmp_path_factory.mktemp(tiny.name)
            tiny.build(folder)
            known[tiny.name] = Opened(tiny, folder)
        return known[tiny.name]

    return open_tiny


def assert_same(opened: Opened, made: Tensors, whole: Reference, tolerance: float) -> None:
    frames = opened.decode(made)
    theirs = (whole.frames * 255).round().astype(np.uint8)
    assert frames.shape == theirs.shape
    assert frames.std() > 1, "the tiny model makes a flat picture: nothing would be compared"
    if tolerance:
        assert np.abs(frames.astype(int) - theirs).max() <= tolerance
        return
    if whole.latents is not None:
        assert torch.equal(made["video"].float(), whole.latents.float())
    assert np.array_equal(frames, theirs)


@pytest.mark.parametrize(("tiny", "case"), CASES)
def test_the_stages_give_what_the_whole_pipeline_gives(tiny: Tiny, case: str, opened: Open) -> None:
    one = opened(tiny)
    whole = tiny.run_pipeline(one.folder, one.tiny.at(one.folder), tiny.ask(case))
    assert_same(one, one.make(case), whole, tiny.differs.get(case, 0))


@pytest.mark.parametrize(("tiny", "case"), CASES)
def test_what_is_given_matters(tiny: Tiny, case: str, opened: Open) -> None:
    one = opened(tiny)
    for other in tiny.cases:
        if other != case:
            assert not torch.equal(one.make(case)["video"], one.make(other)["video"]), other


@each_tiny
def test_the_seed_decides(tiny: Tiny, opened: Open) -> None:
    one, case = opened(tiny), next(iter(tiny.cases))
    again = one.denoise(tiny.ask(case))
    assert torch.equal(again["video"], one.make(case)["video"])
    assert np.array_equal(one.decode(again), one.decode(again))
    other = one.denoise(tiny.ask(case, seed=4))
    assert not torch.equal(other["video"], again["video"])


@each_tiny
def test_the_prompts_decide(tiny: Tiny, opened: Open) -> None:
    one, case = opened(tiny), next(iter(tiny.cases))
    asked = tiny.ask(case)
    texts = [("a blue box", asked.negative)]
    if asked.settings.guidance > 1:
        texts.append((asked.prompt, "too bright"))
    given = None if asked.media is None else one.loaded.encode_given(asked.media)
    for prompt, negative in texts:
        embeds = one.read(prompt, negative, given)
        made = one.loaded.denoise(
            embeds, asked.settings, given, lambda done, total: None, NoCheckpoint()
        )
        assert not torch.equal(made["video"], one.make(case)["video"])


@each_tiny
def test_a_killed_denoise_goes_on_to_the_same_bits(tiny: Tiny, opened: Open) -> None:
    one, case = opened(tiny), next(iter(tiny.cases))
    asked = tiny.ask(case)
    for steps in range(1, asked.settings.steps):
        checkpoint = KilledAfter(steps)
        with pytest.raises(Killed):
            one.denoise(asked, checkpoint)
        fresh = Opened(tiny, one.folder)  # as another process would go on
        told = Told()
        made = fresh.denoise(asked, checkpoint, told)
        assert torch.equal(made["video"], one.make(case)["video"])
        total = asked.settings.steps
        assert told.all == [(n, total) for n in range(steps + 1, total + 1)]


@each_tiny
def test_extrapolated_steps_leave_no_trace(tiny: Tiny, opened: Open) -> None:
    one, case = opened(tiny), next(iter(tiny.cases))
    exact = one.make(case)["video"]
    asked = tiny.ask(case, speed=Speed("taylorseer", warmup=1, interval=3))
    made = one.denoise(asked)["video"]
    assert made.shape == exact.shape
    assert made.isfinite().all()
    assert not torch.equal(made, exact)
    assert torch.equal(one.denoise(asked)["video"], made)
    assert torch.equal(one.denoise(tiny.ask(case))["video"], exact)


@each_tiny
def test_shapes_that_it_cannot_make_are_refused_before_anything_is_loaded(tiny: Tiny) -> None:
    model = tiny.model
    width, height = map(int, model.defaults.size.split("x"))
    fps = model.defaults.fps
    assert model.check_shape(VideoShape(model.defaults.frames, height, width, fps)) is None
    assert tiny.illegal
    for frames, wide, high in tiny.illegal:
        problem = model.check_shape(VideoShape(frames, high, wide, fps))
        assert problem is not None
        assert problem[0] in ("frames", "size")


@each_tiny
def test_loading_is_told_and_waits_for_use(tiny: Tiny, opened: Open) -> None:
    one = opened(tiny)
    fresh = tiny.open(one.folder)
    assert dict(fresh.loads) == {}
    fresh.encode_text("a", "b")
    text = find_family(tiny.model.family).folders["encode_text"]
    assert set(fresh.loads) <= set(text)
    assert all(seconds >= 0 for seconds in fresh.loads.values())


@each_tiny
def test_folders_name_what_each_stage_reads(tiny: Tiny, opened: Open) -> None:
    """Weights that a stage read and its key does not know would give stale results."""
    one, case = opened(tiny), next(iter(tiny.cases))
    folders = find_family(tiny.model.family).folders
    fresh = Opened(tiny, one.folder)
    asked = tiny.ask(case)
    seen: set[str] = set()

    def loaded_by(stage: str) -> None:
        assert set(fresh.loaded.loads) - seen <= set(folders[stage]), stage
        seen.update(fresh.loaded.loads)

    given = None
    if asked.media is not None:
        given = fresh.loaded.encode_given(asked.media)
        loaded_by("encode_given")
    embeds = fresh.read(asked.prompt, asked.negative, given)
    loaded_by("encode_text")
    made = fresh.loaded.denoise(embeds, asked.settings, given, lambda *_: None, NoCheckpoint())
    loaded_by("denoise")
    fresh.decode(made)
    assert set(fresh.loaded.loads) - seen <= set(folders["decode_video"])


@each_tiny
def test_pickles_are_never_read(tiny: Tiny, opened: Open, tmp_path: Path) -> None:
    import shutil

    from safetensors.torch import load_file

    folder = tmp_path / "pickled"
    shutil.copytree(opened(tiny).folder, folder)
    for path in folder.rglob("*.safetensors"):
        name = (
            "pytorch_model.bin"
            if path.name.startswith("model")
            else ("diffusion_pytorch_model.bin")
        )
        torch.save(load_file(path), path.with_name(name))
        path.unlink()
    loaded = tiny.open(folder)
    with pytest.raises((OSError, StageFailed)):
        loaded.encode_text("a", "b")
    with pytest.raises((OSError, StageFailed)):
        list(loaded.decode_video(opened(tiny).make(next(iter(tiny.cases)))))


@each_tiny
def test_a_checkpoint_of_another_architecture_is_refused(
    tiny: Tiny, opened: Open, tmp_path: Path
) -> None:
    import shutil

    folder = tmp_path / "other"
    shutil.copytree(opened(tiny).folder, folder)
    index = json.loads((folder / "model_index.json").read_text())
    del index["vae"]
    (folder / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(StageFailed, match="has no vae"):
        list(tiny.open(folder).decode_video(opened(tiny).make(next(iter(tiny.cases)))))


PLANS: list[tuple[str, str]] = [
    ("", "blocks"), ("fp8", "parts"), ("int8", "leaves"), ("nvfp4", "blocks"),
]  # fmt: skip

FIRST = {tiny.model.family: tiny for tiny in reversed(TINIES)}
"""One of every family."""


@pytest.mark.parametrize("tiny", FIRST.values(), ids=repr)
@pytest.mark.parametrize(("numerics", "placement"), PLANS)
def test_quantised_and_offloaded_plans_run(
    tiny: Tiny, numerics: str, placement: str, opened: Open
) -> None:
    """Placement alone changes no bit; narrow weights change the latents, and not beyond measure."""
    one, case = opened(tiny), next(iter(tiny.cases))
    index = json.loads((one.folder / "model_index.json").read_text())
    streamed = tuple(p for p in index if p.startswith(("transformer", "text_encoder")))
    narrow = {part: numerics for part in streamed if part.startswith("transformer") and numerics}
    entry = msgspec.structs.replace(tiny.at(one.folder), numerics=narrow)
    loaded = find_family(entry.family).open(one.folder, entry, "cpu")
    loaded.place(Placement(placement, False, streamed))
    other = Opened(tiny, one.folder)
    other.loaded = loaded
    plain, made = one.make(case)["video"], other.make(case)["video"]
    assert torch.isfinite(made).all()
    assert torch.equal(made, plain) == (not numerics)
    assert (made - plain).float().norm() < plain.float().norm()


WITH_LORA = pytest.mark.parametrize("tiny", [t for t in TINIES if t.save_lora], ids=repr)


@WITH_LORA
def test_a_lora_acts_as_in_the_pipeline_and_leaves_no_trace(
    tiny: Tiny, opened: Open, tmp_path: Path
) -> None:
    one, case = opened(tiny), next(iter(tiny.cases))
    path = tmp_path / "lora.safetensors"
    tiny.save_lora(one.folder, path)
    plain = one.make(case)["video"]
    asked = tiny.ask(case, loras=((path, 0.7),))
    made = one.denoise(asked)
    assert not torch.equal(made["video"], plain)
    whole = tiny.run_pipeline(one.folder, one.tiny.at(one.folder), asked)
    assert_same(one, made, whole, tiny.differs.get(case, 0))
    assert torch.equal(one.denoise(asked)["video"], made["video"]), "a cached adapter"
    none = one.denoise(tiny.ask(case, loras=((path, 0.0),)))
    assert torch.equal(none["video"], plain)
    assert torch.equal(one.denoise(tiny.ask(case))["video"], plain)


@WITH_LORA
def test_a_lora_of_another_model_is_refused(tiny: Tiny, opened: Open, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    one, case = opened(tiny), next(iter(tiny.cases))
    good, bad = tmp_path / "good.safetensors", tmp_path / "bad.safetensors"
    tiny.save_lora(one.folder, good)
    tensors = load_file(good)
    key = sorted(tensors)[0]
    stranger = {key.replace("transformer.", "transformer.other."): tensors[key].clone()}
    wrongs = {
        "it has no|no place": {**tensors, **stranger},
        "no adapter of this": {k: torch.cat([v, v], -1) for k, v in tensors.items()},
    }
    for message, wrong in wrongs.items():
        save_file(wrong, bad)
        with pytest.raises(StageFailed, match=message):
            one.denoise(tiny.ask(case, loras=((bad, 1.0),)))
    save_file({**tensors, "blocks.0.dora_scale": torch.ones(1)}, bad)
    with pytest.raises(StageFailed, match="it is a DoRA"):
        one.denoise(tiny.ask(case, loras=((bad, 1.0),)))
    bad.write_bytes(b"no tensors")
    with pytest.raises(StageFailed, match="cannot be read as a LoRA"):
        one.denoise(tiny.ask(case, loras=((bad, 1.0),)))
    assert torch.equal(one.denoise(tiny.ask(case))["video"], one.make(case)["video"])


@each_tiny
def test_decoding_streams(tiny: Tiny, opened: Open) -> None:
    """The first frame is there before the last latent was looked at, and every length decodes."""
    one = opened(tiny)
    channels, _, rows, columns = one.make(next(iter(tiny.cases)))["video"].shape
    step = tiny.model.latents.video_frames
    for count in (1, 1 + tiny.model.grid.frames_multiple // step, 5):
        latents = torch.randn(channels, count, rows, columns)
        assert len(one.decode({"video": latents})) == (count - 1) * step + 1
    latents = torch.randn(channels, 5, rows, columns)
    first = next(iter(one.loaded.decode_video({"video": latents})))
    assert np.array_equal(first, one.decode({"video": latents})[0])


def test_every_entry_has_a_name_of_its_own() -> None:
    assert len({tiny.name for tiny in TINIES}) == len(TINIES)
