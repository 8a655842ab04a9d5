"""Predictions against what the CPU's allocator gives out, for random models of the true classes."""

from __future__ import annotations

import pytest
import torch

from bench.memory.measured import GOAL, MODELS, Sized, measure, run_stages
from bench.memory.meter import Meter, measure_allocations
from rushes.catalogue.footprint import find_footprint
from rushes.catalogue.load import find_model


@pytest.mark.slow
@pytest.mark.parametrize("sized", MODELS[1:], ids=lambda sized: sized.name)
def test_traced_models_take_what_was_predicted(sized: Sized) -> None:
    for row in measure(sized):
        assert abs(row["miss"]) <= GOAL, row


def test_the_embedded_model_takes_what_its_footprint_says() -> None:
    footprint = find_footprint(find_model("sprite"))
    assert footprint is not None
    for row in run_stages(MODELS[0], footprint):
        assert abs(row["miss"]) <= GOAL, row


def test_hollow_tensors_are_counted_as_real_ones_are_allocated() -> None:
    layers = torch.nn.Sequential(
        torch.nn.Linear(256, 1024), torch.nn.GELU(), torch.nn.Conv1d(8, 8, 1)
    )
    given = torch.randn(8, 256)
    with torch.no_grad():
        measured = measure_allocations(lambda: layers(given))
        hollow, nothing = layers.to("meta"), given.to("meta")
        meter = Meter()
        meter.ignore(hollow, nothing)
        with meter:
            hollow(nothing)
    assert meter.peak <= measured <= max(meter.host_peaks.values()) * 1.1
    assert meter.flops[""] >= 2 * 8 * 256 * 1024


def test_what_is_let_go_is_no_longer_counted() -> None:
    with torch.no_grad(), Meter() as meter:
        made = torch.empty(1000, device="meta")
        assert meter.live == 4000
        again = made[:10]
        assert meter.live == 4000
        del made, again
    assert (meter.live, meter.peak) == (0, 4000)
