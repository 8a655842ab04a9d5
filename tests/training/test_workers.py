"""Processes that train together do what one would do, each a part of it."""

import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys

import torch

from training.sprite.muon import Both
from training.sprite.workers import average, run_workers


def train(rank: int, args: str) -> None:
    torch.manual_seed(1)
    layers = [torch.nn.Linear(*sizes) for sizes in ((6, 9), (9, 40), (40, 2))]
    model = torch.nn.Sequential(*layers)
    optimiser = Both(model, 0.1)
    for step in range(3):
        x = torch.randn(8, 6, generator=torch.Generator().manual_seed(step))
        optimiser.zero_grad()
        model(x).square().mean().backward()
        average(model, 0.0)
        optimiser.step()
    torch.save(model.state_dict(), f"{args}.{rank}")


if __name__ == "__main__":
    run_workers(train, sys.argv[1], int(sys.argv[2]))
"""


def test_two_workers_share_the_optimiser(tmp_path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    for count in (1, 2):
        command = [sys.executable, str(script), str(tmp_path / f"of{count}"), str(count)]
        subprocess.run(command, check=True, env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"})
    alone, *both = (
        torch.load(tmp_path / name, weights_only=True) for name in ("of1.0", "of2.0", "of2.1")
    )
    for name, value in alone.items():
        assert torch.equal(both[0][name], both[1][name])
        assert torch.allclose(both[0][name], value, atol=1e-5)
