"""Numerics that the project states: keys, memory, what is said of them."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from rushes.catalogue.device import find_device
from rushes.catalogue.load import find_model
from rushes.catalogue.model import Stated
from rushes.errors import MemoryRefused
from rushes.plan.explain import compare_graphs, record_graph
from rushes.plan.memory.fit import Target
from rushes.plan.memory.refuse import refuse_misfit
from rushes.plan.memory.restate import find_stated_footprint
from rushes.run.memory import fit_plan, with_numerics
from tests.plan.tools import LOCK, PROJECT, changed, followers, keys_of, plan_text
from tests.run.projects import run_rushes, write_project

DEFAULTS = "attempts = 3\n"


def say(line: str, text: str = PROJECT) -> str:
    return text.replace(DEFAULTS, DEFAULTS + line + "\n")


def test_only_stages_that_use_the_part_get_other_keys() -> None:
    plain = keys_of(plan_text())
    one = say('quantisation = { transformer = "fp8" }')
    places = changed(plain, keys_of(plan_text(one)))
    assert {stage for shot, stage in places if shot == "one"} == followers("denoise") - {"assemble"}
    tiled = changed(plain, keys_of(plan_text(say("tiling = true"))))
    assert {stage for shot, stage in tiled if shot == "one"} == {"decode_video", "export", "check"}


def test_stating_what_is_so_anyway_changes_no_key() -> None:
    plain = keys_of(plan_text())
    for line in ('quantisation = "none"', 'dtype = "float32"', "tiling = false"):
        assert keys_of(plan_text(say(line))) == plain


def test_stating_what_is_locked_makes_equal_work() -> None:
    sprite = LOCK.models["sprite"]
    lock = msgspec.structs.replace(
        LOCK, models={"sprite": msgspec.structs.replace(sprite, numerics={"transformer": "int8"})}
    )
    line = '[shots.three]\nprompt = "a blue square slides on a black background"\n'
    text = PROJECT.replace("[films", line + 'quantisation = { transformer = "int8" }\n[films')
    rows = {(r.name, r.label): r.node for r in plan_text(text, lock).rows()}
    assert rows["two", "denoise"] is rows["three", "denoise"]


def test_a_dtype_is_in_the_key_of_every_stage_that_loads() -> None:
    places = changed(keys_of(plan_text()), keys_of(plan_text(say('dtype = "bfloat16"'))))
    stages = {stage for shot, stage in places if shot == "one"}
    assert stages == followers("encode_text") - {"assemble"}


def test_why_names_the_numerics_and_no_other_model() -> None:
    before, after = record_graph(plan_text()), record_graph(plan_text(say('quantisation = "fp8"')))
    reasons = [r for c in compare_graphs(before, after) for r in c.reasons]
    assert "transformer nothing → fp8" in reasons
    assert not [reason for reason in reasons if reason.startswith(("model", "weights"))]


def test_a_worker_opens_it_so() -> None:
    model = msgspec.structs.replace(
        find_model("sprite"), stated=Stated("bfloat16", {"transformer": "int8"})
    )
    opened = with_numerics(model, LOCK)
    assert (opened.dtype, opened.numerics) == ("bfloat16", {"transformer": "int8"})


def test_nothing_is_proposed_beside_what_is_stated() -> None:
    plan = plan_text(say('quantisation = "none"'))
    memory = fit_plan(plan, LOCK, Target(find_device("rtx4090"), 10**9, "--vram 1GB"))
    assert not memory.proposed
    assert memory.numerics == {"sprite@float32": {}}


def test_a_wider_dtype_is_planned_wider() -> None:
    wan = find_model("wan-2.1-14b")
    wide = find_stated_footprint(msgspec.structs.replace(wan, stated=Stated("float32")))
    same = find_stated_footprint(msgspec.structs.replace(wan, stated=Stated("bfloat16")))
    assert wide is not None
    assert same is not None
    assert wide.parts["transformer"].nbytes == 2 * same.parts["transformer"].nbytes
    assert wide.parts["transformer"].blocks == same.parts["transformer"].blocks
    assert wide.parts["vae"] == same.parts["vae"]  # in float32 anyway
    before = same.stages["denoise"].parts["transformer"].cuda.terms
    after = wide.stages["denoise"].parts["transformer"].cuda.terms
    assert after == {name: 2 * value for name, value in before.items()}


def test_fp8_of_wan_halves_its_transformer() -> None:
    """Its first parameter stays float32; the layers that are cast are bfloat16."""
    for name in ("wan-2.1-1.3b", "wan-2.1-14b", "wan-2.2-a14b", "wan-2.2-ti2v-5b"):
        footprint = find_stated_footprint(find_model(name))
        assert footprint is not None
        assert footprint.parts["transformer"].width == 2


def test_what_is_stated_and_does_not_fit_says_what_would() -> None:
    text = '[project]\nname = "p"\nmodel = "wan-2.1-14b"\n[shots.one]\nprompt = "a ball"\n'
    plan = plan_text(text + 'dtype = "float32"\n')
    memory = fit_plan(plan, LOCK, Target(find_device("rtx4090"), 12 * 10**9, "--vram 12GB"))
    with pytest.raises(MemoryRefused) as caught:
        refuse_misfit(plan.project, memory)
    assert "with the numerics that the project states" in caught.value.message
    assert "leave dtype, quantisation and tiling out" in (caught.value.hint or "")


def test_plan_shows_what_is_stated(tmp_path: Path) -> None:
    write_project(tmp_path, say('quantisation = { transformer = "int8" }'))
    done = run_rushes(tmp_path, "plan", "--vram", "8GB", "--json", "--explain")
    document = json.loads(done.stdout)
    name = "sprite@float32+transformer=int8"
    assert document["memory"]["stated"] == {name: "float32"}
    assert document["memory"]["proposed"] == []
    denoise = next(s for s in document["stages"] if s["stage"] == "denoise")
    assert denoise["numerics"] == {"transformer": "int8"}
    rows = [r for r in document["explain"] if r["stage"] == "denoise"]
    assert all(c["numerics"] == {"transformer": "int8"} for r in rows for c in r["candidates"])
    shown = run_rushes(tmp_path, "plan", "--vram", "8GB").stdout
    assert "numerics of sprite: float32, transformer in int8 (stated)" in shown
