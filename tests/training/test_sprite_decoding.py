"""The decoder's own training, and the attention that trainings in bfloat16 use."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from training.attention import attend, written_out  # noqa: E402


@pytest.mark.parametrize("given", [False, True])
def test_only_the_decoder_learns(given: bool) -> None:
    from training.sprite.train_decoder import Decoding
    from training.sprite.train_vae import build_vae, draw_batch

    torch.manual_seed(0)
    model = Decoding(build_vae("s24t4"))
    batch = draw_batch(np.random.default_rng(0), 2, 96, 96, 5, 1.0)
    loss, named = model(*batch, torch.randn(2, 64, 2, 4, 4) if given else None)
    loss.backward()
    assert torch.isfinite(loss)
    assert 0 <= float(named) <= 1
    moved = {n.split(".")[1] for n, p in model.named_parameters() if p.grad is not None}
    assert moved == {"decoder", "weight", "bias"}  # these of what names


def test_a_shape_drawn_before_it_comes_costs_as_much_as_one_that_is_missing() -> None:
    from training.sprite import world
    from training.sprite.train_vae import to_tensor, weigh

    scene = world.sample_scene(np.random.default_rng(9), motion="blinks", background="black")
    clip = world.render_video(scene)
    shown = (clip.max(-1) > 40).sum((1, 2)) > 0
    first = int(np.flatnonzero(shown[1:] & ~shown[:-1])[0])  # the last frame without it
    _, weight = weigh(clip[None], np.array([world.BACKGROUNDS["black"]], np.float32), 12.0)
    early, late = clip.copy(), clip.copy()
    early[first], late[first + 1] = clip[first + 1], clip[first]
    off = [(to_tensor(c[None]) - to_tensor(clip[None])).abs() for c in (early, late)]
    cost = [(weight * error).sum() for error in off]
    assert float(cost[0]) == pytest.approx(float(cost[1]), rel=0.01)


@pytest.mark.parametrize("how", ["plain", "mask", "bias", "causal"])
def test_attention_written_out_is_attention(how: str) -> None:
    generator = torch.Generator().manual_seed(1)
    query, key, value = (torch.randn(2, 3, 7, 8, generator=generator) for _ in range(3))
    mask = torch.rand(2, 1, 7, 7, generator=generator) > 0.3
    mask[..., 0] = True
    bias = torch.randn(2, 1, 7, 7, generator=generator)
    given = {
        "mask": {"attn_mask": mask},
        "bias": {"attn_mask": bias},
        "causal": {"is_causal": True},
    }
    options = given.get(how, {})
    ours = attend(query, key, value, **options)
    theirs = torch.nn.functional.scaled_dot_product_attention(query, key, value, **options)
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_attention_refuses_what_it_does_not_do() -> None:
    one = torch.zeros(1, 1, 2, 4)
    with pytest.raises(NotImplementedError):
        attend(one, one, one, dropout_p=0.1)


def test_attention_is_written_out_only_as_long_as_asked() -> None:
    fused = torch.nn.functional.scaled_dot_product_attention
    with written_out(True):
        assert torch.nn.functional.scaled_dot_product_attention is attend
    with written_out(False):
        assert torch.nn.functional.scaled_dot_product_attention is fused
    assert fused is not attend
    assert torch.nn.functional.scaled_dot_product_attention is fused
