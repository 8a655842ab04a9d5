"""What a transformer of sprite is judged by: outlines of the clips that its velocities lead to."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from rushes.plan.windows import Window  # noqa: E402
from training.sprite import text, world  # noqa: E402
from training.sprite.noising import DEFAULT, TIME, Task  # noqa: E402
from training.sprite.tokenizer import train_tokenizer  # noqa: E402
from training.sprite.train_namer import CHANNELS, SIDE, Outlines, unpack  # noqa: E402
from training.sprite.train_transformer import Sprite, flow_loss  # noqa: E402
from training.sprite.train_vae import Namer  # noqa: E402


def test_tokens_are_unpacked_frame_by_frame() -> None:
    latents = torch.randn(2, CHANNELS, 3, SIDE, SIDE)
    assert torch.equal(unpack(latents.flatten(2).transpose(1, 2)), latents)


@pytest.mark.parametrize("noised", [True, False])
def test_only_what_is_noised_can_have_wrong_outlines(noised: bool) -> None:
    torch.manual_seed(1)
    tokenizer = train_tokenizer()
    model, outlines = Sprite(len(tokenizer)), Outlines(Namer(CHANNELS), torch.tensor(1.0))
    sounds = TIME.audio_at(TIME.frames_of(DEFAULT))
    piece = Window(0, DEFAULT, 0, 0, sounds, 0)
    video, audio = torch.randn(1, DEFAULT * SIDE**2, 64), torch.randn(1, sounds, 64)
    level, sound = torch.tensor([0.6 * noised]), torch.tensor([0.6])
    prompt = world.sample_scene(np.random.default_rng(1)).colour
    tokens = dict(text.tokenise(tokenizer, [prompt]))
    task = Task(level, sound, level, sound)
    *_, wrong = flow_loss(model, tokens, video, audio, piece, task, outlines)
    assert (wrong.item() > 0) is noised
    wrong.backward()
    moved = sum(p.grad.abs().sum().item() for p in model.parameters() if p.grad is not None)
    assert (moved > 0) is noised
    assert all(p.grad is None for p in outlines.parameters())
