"""Where spotter's trained weights lie, and the one condition under which tests do without them."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from rushes.catalogue.load import find_reader_entry

TRAINED = Path(str(resources.files("rushes").joinpath(find_reader_entry("spotter").source.path)))
needs_spotter = pytest.mark.skipif(
    not (TRAINED / "model.safetensors").is_file(),
    reason="spotter's trained weights are not in the tree yet",
)
"""To be removed once they are."""
