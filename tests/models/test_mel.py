"""The log-mels of sprite and of LTX-2."""

from __future__ import annotations

import torch
from transformers.audio_utils import mel_filter_bank

from rushes.catalogue.load import find_model
from rushes.models.ltx2_encode import log_mel, mel_bank


def test_ltx2s_bands_are_slaneys() -> None:
    mel = find_model("ltx-2").mel
    assert mel is not None
    theirs = mel_filter_bank(
        mel.window // 2 + 1, mel.bins, 0.0, mel.rate / 2, mel.rate, norm="slaney",
        mel_scale="slaney",
    )  # fmt: skip
    torch.testing.assert_close(
        mel_bank(mel).double(), torch.from_numpy(theirs), rtol=1e-4, atol=1e-7
    )


def test_sprites_bands_have_height_one() -> None:
    mel = find_model("sprite").mel
    assert mel is not None
    bank = mel_bank(mel)
    assert bank.shape == (257, 64)
    assert 0.9 < bank.max() <= 1.0


def test_silence_is_the_floor() -> None:
    mel = find_model("ltx-2").mel
    assert mel is not None
    found = log_mel(torch.zeros(1, 2, 16_000), mel)
    assert found.shape == (1, 2, 101, 64)
    torch.testing.assert_close(found, torch.full_like(found, 1e-5).log())
