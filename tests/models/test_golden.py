"""A stage whose output moved must have a new version: its old results would be taken for new."""

from __future__ import annotations

import numpy as np
import pytest

from tests.models.golden import STAGE_NAMES, TOLERANCE, describe, read_golden, run_stages

REMEDY = "raise its version in rushes/stages, then run: python -m tools.write_golden"


@pytest.fixture(scope="module")
def outputs() -> dict[str, dict[str, np.ndarray]]:
    return run_stages()


def test_the_golden_outputs_are_of_these_weights_and_versions() -> None:
    golden, now = read_golden()[0], describe()
    assert golden["weights"] == now["weights"], "sprite changed: python -m tools.write_golden"
    assert golden["versions"] == now["versions"], "a version changed: python -m tools.write_golden"


@pytest.mark.parametrize("stage", STAGE_NAMES)
def test_a_stage_gives_what_its_version_gave(
    stage: str, outputs: dict[str, dict[str, np.ndarray]]
) -> None:
    golden = read_golden()[1][stage]
    for name, value in outputs[stage].items():
        assert value.shape == golden[name].shape, f"{stage} moved: {REMEDY}"
        gap = float(np.abs(value - golden[name]).max())
        assert gap <= TOLERANCE[stage], f"{stage} moved by {gap:.3g}: {REMEDY}"
