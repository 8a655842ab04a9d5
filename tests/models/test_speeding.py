"""Shortcuts of a denoise on sprite: what they skip, and that nothing of them stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from diffusers.models.attention_dispatch import _AttentionBackendRegistry

from rushes.catalogue.load import find_model
from rushes.catalogue.model import Speed
from rushes.models.base import RESIDENT, DenoiseSettings, Placement, Tiling
from rushes.models.ltx2 import LoadedLTX2
from rushes.models.speeding import compile_blocks
from tests.models.golden import NoCheckpoint

SPEEDS = find_model("sprite").speeds
STEPS = 8
COMPUTED = {"exact": 8, "balanced": 6, "fast": 5}
SETTINGS = DenoiseSettings(
    seed=3, first=0, latents=5, audio_offset=0.0, audio_latents=27, height=96, width=96,
    fps=16.0, steps=STEPS, guidance=2.5, audio_guidance=3.0,
)  # fmt: skip
GUIDED = {"stg": 1.0, "stg_blocks": (1,), "modality_guidance": 2.0}
"""With these a step has three calls of the transformer."""
Tensors = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def embeds(sprite: LoadedLTX2) -> Tensors:
    return sprite.encode_text("a red ball bounces on a grey background", "")


@pytest.fixture(scope="module")
def exact(sprite: LoadedLTX2, embeds: Tensors) -> Tensors:
    return denoise(sprite, embeds)


def denoise(sprite: LoadedLTX2, embeds: Tensors, report: Any = None, **more: Any) -> Tensors:
    settings = replace(SETTINGS, **more)
    return sprite.denoise(embeds, settings, None, report or (lambda *_: None), NoCheckpoint())


def are_same(one: Tensors, other: Tensors) -> bool:
    return all(torch.equal(value, other[name]) for name, value in one.items())


class Counted:
    """How often a block of the transformer computed."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, *_: Any) -> None:
        self.calls += 1


@pytest.fixture
def counted(sprite: LoadedLTX2) -> Iterator[Counted]:
    found = Counted()
    inside = sprite.part("transformer").transformer_blocks[0].attn1
    handle = inside.register_forward_hook(found)
    yield found
    handle.remove()


@pytest.mark.parametrize("name", SPEEDS)
def test_a_shortcut_gives_the_same_bytes_twice_and_leaves_no_trace(
    name: Any, sprite: LoadedLTX2, embeds: Tensors, exact: Tensors, counted: Counted
) -> None:
    made = denoise(sprite, embeds, speed=SPEEDS[name])
    assert counted.calls == COMPUTED[name]
    for kind, value in made.items():
        assert value.shape == exact[kind].shape
        assert value.isfinite().all()
        assert not torch.equal(value, exact[kind])
        assert (value - exact[kind]).norm() < 0.5 * exact[kind].norm()
    assert are_same(denoise(sprite, embeds, speed=SPEEDS[name]), made)
    counted.calls = 0
    assert are_same(denoise(sprite, embeds), exact)
    assert counted.calls == COMPUTED["exact"]


def test_each_pass_of_a_step_is_continued_by_itself(
    sprite: LoadedLTX2, embeds: Tensors, counted: Counted
) -> None:
    plain = denoise(sprite, embeds, **GUIDED)
    assert counted.calls == 3 * STEPS
    counted.calls = 0
    made = denoise(sprite, embeds, speed=SPEEDS["balanced"], **GUIDED)
    assert counted.calls == 3 * COMPUTED["balanced"]
    assert (made["video"] - plain["video"]).norm() < 0.5 * plain["video"].norm()


def test_each_tile_of_a_refinement_is_continued_by_itself(
    sprite: LoadedLTX2, embeds: Tensors, exact: Tensors, counted: Counted
) -> None:
    larger = exact["video"].repeat_interleave(2, 2).repeat_interleave(2, 3)
    settings = replace(
        SETTINGS, height=192, width=192, guidance=1.0, audio_guidance=1.0, steps=4,
        sigmas=(0.9, 0.7, 0.5, 0.2), speed=Speed("taylorseer", 2, 2),
    )  # fmt: skip
    made = sprite.refine(
        embeds, settings, {**exact, "video": larger}, None, Tiling((4, 8), 0), lambda *_: None,
        NoCheckpoint(),
    )  # fmt: skip
    assert counted.calls == 2 * 3  # two tiles, and of four steps the third is not computed
    assert made["video"].isfinite().all()


def test_a_denoise_that_fails_leaves_no_trace(
    sprite: LoadedLTX2, embeds: Tensors, exact: Tensors
) -> None:
    def fail(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        denoise(sprite, embeds, fail, speed=SPEEDS["fast"])
    assert not sprite.part("transformer").is_cache_enabled
    assert are_same(denoise(sprite, embeds), exact)


def test_placement_changes_no_bit_of_it(sprite: LoadedLTX2, embeds: Tensors) -> None:
    resident = denoise(sprite, embeds, speed=SPEEDS["balanced"])
    other = LoadedLTX2(sprite.folder, sprite.model, "cpu")
    for kind in ("blocks", "leaves"):
        other.place(Placement(kind, False, ("transformer",)))
        assert are_same(denoise(other, embeds, speed=SPEEDS["balanced"]), resident), kind
        other.place(RESIDENT)


def test_another_attention_is_used_for_one_denoise_alone(
    sprite: LoadedLTX2, embeds: Tensors, exact: Tensors, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[Any] = []
    tell = lambda *_: used.append(_AttentionBackendRegistry._active_backend.value)  # noqa: E731
    before = _AttentionBackendRegistry._active_backend
    made = denoise(sprite, embeds, tell, speed=Speed(attention="_native_math"))
    assert set(used) == {"_native_math"}
    assert _AttentionBackendRegistry._active_backend is before
    assert torch.allclose(made["video"], exact["video"], atol=1e-2)
    assert are_same(denoise(sprite, embeds), exact)


def test_blocks_are_compiled_for_one_denoise_alone(
    sprite: LoadedLTX2, embeds: Tensors, exact: Tensors
) -> None:
    """With a compiler that only traces: code for a CPU would take a minute to make."""
    extrapolated = denoise(sprite, embeds, speed=SPEEDS["fast"])
    transformer = sprite.part("transformer")
    forwards = [block.forward for block in transformer.transformer_blocks]
    seen: list[Any] = []

    def trace(graph: Any, inputs: Any) -> Any:
        seen.append(graph)
        return graph.forward

    with compile_blocks(transformer, backend=trace):
        made = denoise(sprite, embeds, steps=1)
        assert 1 <= (compiled := len(seen)) <= 2, "blocks do not share what was compiled"
        made = denoise(sprite, embeds, speed=SPEEDS["fast"])
        assert len(seen) == compiled, "compiled again on the way"
    assert torch.allclose(made["video"], extrapolated["video"], atol=1e-3)
    assert [block.forward for block in transformer.transformer_blocks] == forwards
    assert are_same(denoise(sprite, embeds), exact)
