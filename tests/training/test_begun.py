"""The unfinished weights of sprite: packed small, unpacked where the training goes on."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from training.sprite import begun  # noqa: E402


def test_packing_keeps_within_a_step_of_each_row() -> None:
    generator = torch.Generator().manual_seed(0)
    state = {
        "kernel": torch.randn(6, 4, 3, 3, 3, generator=generator)
        * torch.logspace(-3, 1, 6).view(6, 1, 1, 1, 1),
        "nothing": torch.zeros(2, 5),
        "bias": torch.randn(7, generator=generator),
    }  # fmt: skip
    back = begun.unpack(begun.pack(state))
    assert back.keys() == state.keys()
    for name, value in state.items():
        rows, found = value.flatten(1) if value.ndim > 1 else value[None], back[name]
        limit = rows.abs().amax(1) / 127
        assert found.shape == value.shape
        assert ((found.reshape(rows.shape) - rows).abs().amax(1) <= limit * 0.51 + 1e-6).all()


@pytest.mark.slow
def test_the_training_goes_on_from_what_is_kept(tmp_path, monkeypatch) -> None:
    from training.sprite import train_transformer, train_vae
    from training.sprite.checkpoints import Ema, load
    from training.sprite.muon import Both
    from training.sprite.tokenizer import train_tokenizer

    monkeypatch.setattr(begun, "RUNS", tmp_path)
    begun.restore_begun()
    with pytest.raises(SystemExit, match="is there already"):
        begun.restore_begun()
    model = train_transformer.Sprite(len(train_tokenizer()))
    path = tmp_path / "transformer" / "last.pt"
    state = load(path, model, Ema(model), Both(model, 1e-3, train_transformer.ADAM))
    assert state == {"step": 0, "seconds": 0.0}
    vae = train_vae.build_vae("s24t4")
    saved = torch.load(tmp_path / "vae_s24t4_decoder" / "last.pt", weights_only=True)
    vae.load_state_dict(saved["model"])
    assert train_vae.measure_psnr(vae, train_vae.render_clips(4, 77, 96)) > 28
