"""A denoise under a step cache saves no state and takes up none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from rushes.catalogue.model import Speed
from rushes.stages.base import Job
from rushes.stages.checkpoint import FileCheckpoint
from rushes.stages.denoise import DenoiseParams, choose_checkpoint
from rushes.stages.refine import RefineParams


@pytest.mark.parametrize("kind", [DenoiseParams, RefineParams])
@pytest.mark.parametrize(
    ("speed", "goes_on"),
    [(None, True), (Speed(attention="_native_math"), True), (Speed("taylorseer", 4, 2), False)],
)
def test_only_what_a_checkpoint_holds_goes_on(
    kind: type[DenoiseParams], speed: Speed | None, goes_on: bool, tmp_path: Path
) -> None:
    params = kind(1, 0, 5, 0.0, 27, 96, 96, 16.0, 8, 3.0, speed=speed)
    own = FileCheckpoint(tmp_path / "state", 0.0, tmp_path)
    own.offer(lambda: {"step": torch.tensor(3)})
    job = Job(params, {}, tmp_path, lambda done, total: None, checkpoint=own)
    chosen = choose_checkpoint(job)
    assert (chosen.load() is not None) == goes_on
    before = own.path.read_bytes()
    chosen.offer(lambda: {"step": torch.tensor(4)})
    assert (own.path.read_bytes() != before) == goes_on
