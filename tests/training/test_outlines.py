"""What a transformer of sprite is judged by: outlines of the clips that its velocities lead to, and
where the object is in each frame of them."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from rushes.plan.windows import Window  # noqa: E402
from training.sprite import text, world  # noqa: E402
from training.sprite.noising import DEFAULT, TIME, Task  # noqa: E402
from training.sprite.tokenizer import train_tokenizer  # noqa: E402
from training.sprite.train_namer import (  # noqa: E402
    CHANNELS,
    REACH,
    SIDE,
    STEP,
    Outlines,
    Places,
    Readers,
    compare_places,
    list_places,
    unpack,
)
from training.sprite.train_transformer import Sprite, flow_loss, weigh  # noqa: E402
from training.sprite.train_vae import Namer  # noqa: E402


def test_tokens_are_unpacked_frame_by_frame() -> None:
    latents = torch.randn(2, CHANNELS, 3, SIDE, SIDE)
    assert torch.equal(unpack(latents.flatten(2).transpose(1, 2)), latents)


@pytest.mark.parametrize("noised", [True, False])
def test_only_what_is_noised_can_have_wrong_outlines_and_places(noised: bool) -> None:
    torch.manual_seed(1)
    tokenizer = train_tokenizer()
    outlines, places = Outlines(Namer(CHANNELS), torch.tensor(1.0)), Places().requires_grad_(False)
    model, readers = Sprite(len(tokenizer)), Readers(outlines, places)
    sounds = TIME.audio_at(TIME.frames_of(DEFAULT))
    piece = Window(0, DEFAULT, 0, 0, sounds, 0)
    video, audio = torch.randn(1, DEFAULT * SIDE**2, 64), torch.randn(1, sounds, 64)
    level, sound = torch.tensor([0.6 * noised]), torch.tensor([0.6])
    prompt = world.sample_scene(np.random.default_rng(1)).colour
    tokens = dict(text.tokenise(tokenizer, [prompt]))
    task = Task(level, sound, level, sound)
    *_, outline, place = flow_loss(model, tokens, video, audio, piece, task, readers)
    for wrong in (outline, place):
        assert (wrong.item() > 0) is noised
        model.zero_grad()
        wrong.backward(retain_graph=True)
        moved = sum(p.grad.abs().sum().item() for p in model.parameters() if p.grad is not None)
        assert (moved > 0) is noised
    assert all(p.grad is None for p in [*outlines.parameters(), *places.parameters()])


def test_places_are_those_of_each_frame() -> None:
    scene = world.sample_scene(np.random.default_rng(2), motion="blinks", speed="fast")
    places = list_places(scene, DEFAULT)
    frames = np.arange(world.FRAMES)
    x, _, _, visible = world.track(scene, frames / world.FPS)
    assert places.shape == (DEFAULT, STEP, 4)
    assert torch.equal(places[0], places[0, :1].expand(STEP, -1)), "it stands for a single frame"
    flat = places[1:].flatten(0, 1)
    assert torch.equal(flat[:, 0] > 0, torch.from_numpy(visible[1:] > 0))
    assert torch.allclose(flat[:, 1] * REACH + world.SIZE / 2, torch.from_numpy(x[1:]).float())


def test_what_is_not_there_has_no_place() -> None:
    true = torch.tensor([[1.0, 0.5, 0.5, 0.0], [-1.0, 0.5, 0.5, 0.0]])
    off = compare_places(torch.zeros(2, 4), true)
    assert off.tolist() == [[1.0, 0.25, 0.25, 0.0], [1.0, 0.0, 0.0, 0.0]]


def test_each_clip_is_weighed_by_its_own_level() -> None:
    squares = torch.stack([torch.full((3, 4, 4), 2.0), torch.full((3, 4, 4), 8.0)])
    assert weigh(squares, torch.tensor([1.0, 0.5])).item() == pytest.approx((2 + 32) / 2)
