"""The memory plan: what is predicted, what is chosen, what is refused and why."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rushes.catalogue.device import Device, device_names, find_device
from rushes.catalogue.footprint import Law, find_footprint
from rushes.catalogue.load import find_model, model_names
from rushes.errors import UsageError
from rushes.lock import Lock, LockedModel
from rushes.plan.memory.choose import WORTH
from rushes.plan.memory.explain import explain_memory
from rushes.plan.memory.fit import MemoryPlan, Target
from rushes.plan.memory.standard import (
    fits_shots,
    plan_shots,
    smallest_card_of,
    standard_shot,
)
from rushes.types import VideoShape, parse_bytes
from tests.plan.tools import LOCK, plan_text
from tests.run.projects import run_rushes

TRACED = [name for name in model_names() if find_footprint(find_model(name)) is not None]
LARGE = replace(standard_shot(find_model("ltx-2")), shape=VideoShape(121, 704, 1280, 24.0))
CARD = find_device("rtx4090")
GB = 10**9


def plan_at(limit: int, device: Device = CARD) -> MemoryPlan:
    return plan_shots([LARGE], Target(device, limit))


def slowdown_of(memory: MemoryPlan) -> float:
    """Seconds of the whole plan over everything resident as it is stored."""
    plain = plan_shots([LARGE], Target(memory.target.device, 10**12))
    seconds = [sum(c.taken.prediction.seconds for c in m.choices.values()) for m in (memory, plain)]
    return seconds[0] / seconds[1]


@settings(max_examples=40, deadline=None)
@given(st.integers(6 * GB, 120 * GB), st.integers(0, 60 * GB))
def test_more_memory_never_means_a_slower_plan(limit: int, more: int) -> None:
    small, large = plan_at(limit), plan_at(limit + more)
    assert bool(small.misfits) >= bool(large.misfits)
    if not small.misfits:
        assert max(slowdown_of(large), WORTH) <= max(slowdown_of(small), WORTH) * (1 + 1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(6 * GB, 120 * GB))
def test_what_is_taken_fits_and_is_the_fastest_that_does(limit: int) -> None:
    memory = plan_at(limit)
    for choice in memory.choices.values():
        fitting = [c for c in choice.candidates if c.fits]
        assert choice.fits == bool(fitting)
        if fitting:
            assert choice.taken.prediction.peak <= limit
            assert choice.taken.prediction.seconds == min(c.prediction.seconds for c in fitting)


def test_placements_need_less_and_less() -> None:
    memory = plan_at(24 * GB)
    denoise = next(c for c in memory.choices.values() if c.stage == "denoise")
    labels = [c.placement.label for c in denoise.candidates]
    assert labels == ["resident", "parts", "blocks+stream", "blocks", "leaves+stream", "leaves"]
    peaks = [c.prediction.peak for c in denoise.candidates]
    assert peaks == sorted(peaks, reverse=True)
    hosts = [c.prediction.host for c in denoise.candidates]
    assert hosts[1] >= hosts[0]
    assert denoise.smaller is not None
    assert denoise.smaller.placement.label == "blocks"


def test_a_card_without_a_limit_keeps_the_numbers_as_they_are_stored() -> None:
    memory = plan_shots([LARGE], Target(find_device("h200")))
    assert {c.taken.placement.label for c in memory.choices.values()} == {"resident"}
    assert memory.numerics["ltx-2"] == {}


def test_a_small_card_streams_and_tiles() -> None:
    memory = plan_at(10 * GB)
    assert not memory.misfits
    taken = {c.stage: c.taken for c in memory.choices.values()}
    assert taken["denoise"].placement.stream
    assert memory.numerics["ltx-2"]["vae"] == "tiled"
    assert memory.proposed == {"ltx-2"}


def test_a_cpu_has_nothing_to_stream_from() -> None:
    memory = plan_at(60 * GB, find_device("cpu"))
    labels = {c.placement.label for ch in memory.choices.values() for c in ch.candidates}
    assert labels == {"resident", "parts"}
    assert all(c.taken.prediction.host == 0 for c in memory.choices.values())


def test_every_candidate_is_explained() -> None:
    reasons = explain_memory(plan_at(24 * GB))
    assert {r.stage for r in reasons} == {"encode_text", "denoise", "decode_video", "decode_audio"}
    for reason in reasons:
        assert sum(row.taken for row in reason.candidates) == 1
        assert reason.why


@pytest.mark.parametrize("name", TRACED)
def test_every_footprint_counts_the_parameters_that_the_catalogue_says(name: str) -> None:
    model = find_model(name)
    footprint = find_footprint(model)
    assert footprint is not None
    for part in model.parts:
        if part.folder in footprint.parts:
            weights = footprint.parts[part.folder]
            assert weights.nbytes >= part.parameters * min(weights.width, 2) * 0.99
            assert weights.castable <= weights.nbytes
    for stage in footprint.stages.values():
        for work in [*stage.parts.values(), *stage.tiled.values()]:
            assert all(value >= 0 for value in work.cuda.terms.values())
            # a model of one size is traced at every length of it
            assert work.cuda.error < 0.25 or len(model.grid.sizes) == 1


@pytest.mark.parametrize("name", TRACED)
def test_every_traced_model_has_a_smallest_card(name: str) -> None:
    found = smallest_card_of(find_model(name))
    assert found is not None
    card, memory = found
    assert not memory.misfits
    assert fits_shots([standard_shot(find_model(name))], Target(card))


def test_a_law_is_a_sum_of_products() -> None:
    law = Law({"1": 5.0, "guided*cells": 2.0, "cells*cells": 0.5})
    assert law.value({"cells": 4.0, "guided": 1.0}) == 5.0 + 8.0 + 8.0
    assert law.value({}) == 5.0


@pytest.mark.parametrize("name", device_names())
def test_devices_are_described(name: str) -> None:
    device = find_device(name)
    assert device.name == name
    assert min(device.memory_bytes, device.tflops, device.bandwidth_gbs, device.link_gbs) > 0
    assert device.source


def test_the_cards_that_people_name_are_there() -> None:
    assert {"rtx4090", "rtx5090", "a100", "h200", "cpu"} <= set(device_names())
    with pytest.raises(UsageError) as caught:
        find_device("rtx409")
    assert caught.value.hint == "did you mean rtx4090?"


@pytest.mark.parametrize(
    ("text", "nbytes"),
    [("10GB", 10**10), ("0.5 GB", 5 * 10**8), ("800MB", 8 * 10**8), ("0GB", None),
     ("10", None), ("10GiB", None), ("-1GB", None), ("1e3GB", None)],
)  # fmt: skip
def test_sizes_of_memory(text: str, nbytes: int | None) -> None:
    assert parse_bytes(text) == nbytes


def test_numerics_are_in_the_lock_only_where_there_are_any() -> None:
    plain = LockedModel("v1", "package:x", "bfloat16", {})
    assert "numerics" not in msgspec.to_builtins(plain)
    narrow = msgspec.structs.replace(plain, numerics={"vae": "tiled"})
    again = msgspec.convert(msgspec.to_builtins(Lock(models={"m": narrow})), Lock)
    assert again.models["m"].numerics == {"vae": "tiled"}


def test_numerics_change_the_keys_of_their_stages_alone() -> None:
    narrow = msgspec.structs.replace(LOCK.models["sprite"], numerics={"vae": "tiled"})
    lock = msgspec.structs.replace(LOCK, models={"sprite": narrow})
    plans = plan_text(), plan_text(lock=lock)
    keys = [{row.label: row.node.key for row in plan.rows()} for plan in plans]
    assert keys[0]["denoise"] == keys[1]["denoise"]
    assert keys[0]["decode_video"] != keys[1]["decode_video"]


PROJECT = """
[project]
name = "film"
model = "ltx-2"
{vram}
[shots.one]
prompt = "a harbour at dawn"
size = "1280x704"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "rushes.toml").write_text(PROJECT.format(vram=""))
    return tmp_path


def test_plan_json_says_the_peak_and_the_placement_of_every_stage(project: Path) -> None:
    done = run_rushes(project, "plan", "--vram", "24GB", "--explain", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    stages = {stage["stage"]: stage for stage in document["stages"]}
    for name in ("encode_text", "denoise", "decode_video", "decode_audio"):
        assert 0 < stages[name]["peak_bytes"] <= 24 * GB
        assert stages[name]["placement"]
    assert stages["export"]["placement"] is None
    largest = max(stage["peak_bytes"] or 0 for stage in document["stages"])
    assert document["totals"]["peak_bytes"] == largest
    assert document["memory"]["limit_bytes"] == 24 * GB
    assert len(document["explain"]) == 4


def tmp_path_of(project: Path, name: str, text: str) -> Path:
    """Another project beside this one."""
    folder = project / name.split()[0]
    folder.mkdir()
    (folder / "rushes.toml").write_text(text.replace(";", ""))
    return folder


def test_what_is_proposed_instead_fits(project: Path) -> None:
    file = project / "rushes.toml"
    file.write_text(file.read_text().replace("1280x704", "1920x1088"))
    done = run_rushes(project, "plan", "--vram", "8GB", "--json")
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["type"]) == (3, "MemoryRefused")
    assert error["where"] == "rushes.toml:shots.one"
    proposals = re.findall(r"it fits with ((?:size|frames|model) = \S+)", error["hint"])
    assert {text.split()[0] for text in proposals} == {"size", "frames", "model"}
    for text in proposals:
        lines = file.read_text().replace('size = "1920x1088"', text)
        if text.startswith("frames"):
            lines = file.read_text() + text
        elif text.startswith("model"):
            lines = lines.replace('model = "ltx-2"', "", 1).replace("'", '"').rstrip(";")
        fitting = tmp_path_of(project, text, lines)
        assert run_rushes(fitting, "plan", "--vram", "8GB").returncode == 0, text


def test_a_limit_of_the_project_is_a_budget(project: Path) -> None:
    (project / "rushes.toml").write_text(PROJECT.format(vram='vram = "3GB"'))
    done = run_rushes(project, "plan", "--json")
    assert done.returncode == 3
    assert "vram = 3GB of [project]" in json.loads(done.stdout)["error"]["message"]
    larger = run_rushes(project, "plan", "--vram", "24GB", "--json")
    assert larger.returncode == 0


def test_a_card_can_be_named(project: Path) -> None:
    done = run_rushes(project, "plan", "--device", "rtx4090", "--explain")
    assert done.returncode == 0
    assert "NVIDIA GeForce RTX 4090" in done.stdout
    assert "blocks+stream is the fastest" in done.stdout
    wrong = run_rushes(project, "make", "--device", "rtx4090", "--json")
    assert wrong.returncode == 2


def test_a_wrong_limit_is_a_usage_error(project: Path) -> None:
    (project / "rushes.toml").write_text(PROJECT.format(vram='vram = "lots"'))
    assert run_rushes(project, "plan", "--json").returncode == 2
    assert run_rushes(project, "plan", "--vram", "lots", "--json").returncode == 2
