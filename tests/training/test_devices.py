"""Batches drawn ahead are those that the trainer would draw, and a training goes on with them."""

from dataclasses import dataclass
from itertools import islice

import numpy as np
import pytest
import torch

from training.devices import check_workers, feed, move
from training.sprite import train_vae


@dataclass(frozen=True)
class Pair:
    values: torch.Tensor
    name: str


def draw(step: int) -> Pair:
    return Pair(torch.from_numpy(np.random.default_rng(step).random(3)), f"batch {step}")


@pytest.mark.parametrize("feeders", [0, 2])
def test_batches_come_in_order_from_the_step_that_is_asked_for(feeders: int) -> None:
    drawn = list(islice(feed(draw, 5, feeders), 6))
    assert [pair.name for pair in drawn] == [f"batch {k}" for k in range(5, 11)]
    for step, pair in enumerate(drawn, 5):
        assert torch.equal(pair.values, draw(step).values)


def test_everything_in_a_value_is_moved() -> None:
    value = {"pairs": [draw(1)], "both": (torch.zeros(2), "text")}
    moved = move(value, "meta")
    assert moved["pairs"][0].values.is_meta
    assert moved["pairs"][0].name == "batch 1"
    assert moved["both"][0].is_meta
    assert moved["both"][1] == "text"


def test_a_gpu_is_not_shared() -> None:
    check_workers("cpu", 2)
    check_workers("cuda", 1)
    with pytest.raises(SystemExit, match="--workers 1"):
        check_workers("cuda", 2)


@pytest.mark.slow
def test_a_training_of_the_vae_goes_on_where_it_was(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(train_vae, "RUNS", tmp_path)
    monkeypatch.setattr(train_vae, "render_clips", lambda *_: np.zeros((1, 9, 64, 64, 3), np.uint8))
    words = ["--config", "s8t4", "--crop", "32", "--batch", "2", "--workers", "1", "--feeders", "1"]
    for minutes in ("0.03", "0.06"):
        train_vae.start(0, train_vae.build_parser().parse_args([*words, "--minutes", minutes]))
    steps = torch.load(tmp_path / "vae_s8t4" / "last.pt", weights_only=True)["state"]["step"]
    said = capsys.readouterr().out
    assert "from step 0" in said
    assert 0 < int(said.split("from step ")[-1].split()[0]) < steps
