"""The embedded model, opened once for all tests of models."""

from __future__ import annotations

import pytest

from rushes.catalogue.load import find_model
from rushes.hub import find_checkpoint
from rushes.models.base import find_family
from rushes.models.ltx2 import LoadedLTX2


@pytest.fixture(scope="session")
def sprite() -> LoadedLTX2:
    model = find_model("sprite")
    loaded = find_family(model.family).open(find_checkpoint(model), model, "cpu")
    assert isinstance(loaded, LoadedLTX2)
    return loaded
