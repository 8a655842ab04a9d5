"""From the VAE of 64x64 pictures to that of 96x96."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from training.sprite import grow_vae  # noqa: E402
from training.sprite.train_vae import build_vae, render_clips, to_tensor  # noqa: E402


@pytest.fixture
def old():
    torch.manual_seed(3)
    return build_vae("s16t4f").eval().requires_grad_(False)


def test_what_is_not_used_can_be_left_out(old) -> None:
    clips = to_tensor(render_clips(2, 5, 64))[:, :, :9]
    latents = old.encode(clips).latent_dist.mode()
    inner = old.decoder.conv_in.conv
    inner.weight[100:] = inner.weight[:100].repeat(2, 1, 1, 1, 1)[:156]  # 100 different channels
    inner.bias[100:] = inner.bias[:100].repeat(2)[:156]
    hidden = old.decoder.conv_in(latents, causal=False)
    state = dict(old.state_dict())
    grow_vae.narrow(state, hidden.movedim(1, -1).flatten(0, -2), 128)
    new = build_vae("s24t4").eval().requires_grad_(False)
    block = new.decoder.up_blocks[0].upsamplers[0]
    for part, name in (
        (new.decoder.conv_in, "decoder.conv_in."),
        (block, "decoder.up_blocks.0.upsamplers.0."),
    ):
        part.load_state_dict(
            {k.removeprefix(name): v for k, v in state.items() if k.startswith(name)}
        )
    before = old.decoder.up_blocks[0].upsamplers[0](hidden, causal=False)
    after = block(new.decoder.conv_in(latents, causal=False), causal=False)
    assert after.shape == before.shape
    assert float((after - before).std() / before.std()) < 0.02


def test_what_is_grown_gives_the_same_latents_and_a_larger_picture(old) -> None:
    new = build_vae("s24t4").eval().requires_grad_(False)
    small, large = (to_tensor(render_clips(2, 5, size))[:, :, :9] for size in (64, 96))
    grow_vae.grow_vae(old, new, small)
    one, two = (v.encode(x).latent_dist.mode() for v, x in ((old, small), (new, large)))
    assert float((one - two).std() / one.std()) < 0.2
    assert new.decode(two).sample.shape == large.shape
    fresh = [m for n, m in new.decoder.named_modules() if n.endswith("resnets.2")]
    assert fresh
    assert all(float(m.conv2.conv.weight.abs().max()) == 0 for m in fresh)
