"""The embedded model, opened once for all tests of models."""

from __future__ import annotations

import pytest

from rushes.catalogue.load import find_model
from rushes.hub import find_checkpoint
from rushes.models.base import find_family
from rushes.models.ltx2 import LoadedLTX2


@pytest.fixture(scope="session")
def sprite() -> LoadedLTX2:
    """Sprite whose steps add no noise, as LTX-2's do not: what diffusers' pipelines are held to,
    which hand their scheduler no generator."""
    loaded = open_sprite()
    loaded.part("scheduler").register_to_config(stochastic_sampling=False)
    return loaded


@pytest.fixture(scope="session")
def noisy_sprite() -> LoadedLTX2:
    """Sprite as it is."""
    return open_sprite()


def open_sprite() -> LoadedLTX2:
    model = find_model("sprite")
    loaded = find_family(model.family).open(find_checkpoint(model), model, "cpu")
    assert isinstance(loaded, LoadedLTX2)
    return loaded
