"""What a training made can be taken part of the way."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from training.sprite.export import blend  # noqa: E402


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_blend_lies_between_what_was_and_what_was_trained(share: float) -> None:
    trained, before = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    want = share * trained.weight + (1 - share) * before.weight
    blend(trained, before, share)
    assert torch.allclose(trained.weight, want)
