"""dtype, quantisation and tiling: which table wins, what they become, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from rushes.catalogue.load import find_model, model_names
from rushes.catalogue.model import NOT_DONE, Stated
from rushes.models.base import find_family
from tests.spec.tools import HEAD, SHOT, error_of, read

WAN = '[project]\nname = "p"\nmodel = "wan-2.2-a14b"\n'


def stated(folder: Path, text: str) -> Stated | None:
    return read(folder, text).shots["one"].model.stated


def test_nothing_said_leaves_it_to_the_plan(tmp_path: Path) -> None:
    assert stated(tmp_path, HEAD + SHOT) is None


def test_quantisation_reaches_both_experts_and_the_text_encoder(tmp_path: Path) -> None:
    found = stated(tmp_path, WAN + SHOT + 'quantisation = "int8"\n')
    assert found is not None
    assert found.dtype == "bfloat16"
    assert found.numerics == dict.fromkeys(("transformer", "transformer_2", "text_encoder"), "int8")


def test_parts_can_be_told_apart(tmp_path: Path) -> None:
    table = 'quantisation = { transformer = "fp8" }\ntiling = true\n'
    found = stated(tmp_path, WAN + SHOT + table)
    assert found is not None
    assert found.numerics == {"transformer": "fp8", "transformer_2": "fp8", "vae": "tiled"}


def test_the_nearest_table_wins(tmp_path: Path) -> None:
    text = HEAD + '[defaults]\nquantisation = "fp8"\ndtype = "bfloat16"\n' + SHOT
    project = read(tmp_path, text + 'quantisation = "none"\n[shots.two]\nprompt = "a ball"\n')
    one, two = (project.shots[name].model for name in ("one", "two"))
    assert one.stated == Stated("bfloat16")
    assert two.stated is not None
    assert two.stated.numerics["transformer"] == "fp8"
    assert one.id == two.id
    assert one.instance != two.instance
    assert len(project.models) == 1
    assert len(project.instances) == 2


def test_float16_is_refused_for_models_of_another_range(tmp_path: Path) -> None:
    error = error_of(tmp_path, WAN + SHOT + 'dtype = "float16"\n')
    assert "trained in bfloat16" in error.message
    assert error.where == "rushes.toml:6"


@pytest.mark.parametrize("name", [n for n in model_names() if find_model(n).tiles == "always"])
def test_a_model_that_always_tiles_says_so(name: str, tmp_path: Path) -> None:
    head = f'[project]\nname = "p"\nmodel = "{name}"\n'
    assert "always works in tiles" in error_of(tmp_path, head + SHOT + "tiling = false\n").message
    found = stated(tmp_path, head + SHOT + "tiling = true\n")
    assert found is not None
    assert found.numerics == {}
    assert find_family(find_model(name).family)


@pytest.mark.parametrize("kind", sorted(NOT_DONE))
def test_what_is_not_done_says_why(kind: str, tmp_path: Path) -> None:
    error = error_of(tmp_path, HEAD + SHOT + f'quantisation = "{kind}"\n')
    assert kind in error.message
    assert error.hint == NOT_DONE[kind]


@pytest.mark.parametrize(
    "line",
    ['quantisation = "fp4"', "quantisation = 8", 'quantisation = { vae = "fp8" }', 'tiling = "yes"',
     'quantisation = { transformer = "q4" }', 'dtype = "half"'],
)  # fmt: skip
def test_wrong_values_are_refused_at_their_line(line: str, tmp_path: Path) -> None:
    assert error_of(tmp_path, HEAD + SHOT + line + "\n").where == "rushes.toml:5"
