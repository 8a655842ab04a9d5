"""The published JSON Schema says what the parser says, as far as a schema can."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from rushes.errors import ProjectError
from rushes.spec.read import read_project_file
from rushes.spec.schema import make_schema

SCHEMA = make_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def test_the_published_file_is_the_parsers(repository: Path) -> None:
    """If this fails: make schema."""
    assert json.loads((repository / "docs" / "rushes.schema.json").read_text("utf-8")) == SCHEMA


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_example_is_valid(repository: Path) -> None:
    import tomllib

    text = (repository / "examples" / "hello" / "rushes.toml").read_text("utf-8")
    VALIDATOR.validate(tomllib.loads(text))


NAMES = st.sampled_from(
    ["one", "a-b_c", "0x", "x" * 64, "x" * 65, "One", "", "-a", "a b", "é", "a\n"]
)
TEXTS = st.sampled_from(
    ["", " ", "a ball", "a {b} c", "x" * 4000, "x" * 4001, "64x64", "0x64", "mp4"]
)
INTEGERS = st.sampled_from([-1, 0, 1, 8, 33, 63, 64, 100, 101, 512, 1001, 2**53 - 1, 2**53, 432001])
FLOATS = st.sampled_from([-0.5, 0.25, 0.5, 1.5, 3599.5, 3600.5, 99.5, 100.5, 1e15 * 2, 86400.5])
ANY = st.one_of(
    NAMES,
    TEXTS,
    INTEGERS,
    FLOATS,
    st.booleans(),
    st.just([]),
    st.just({}),
    st.lists(TEXTS | INTEGERS, max_size=2),
    st.dictionaries(NAMES, TEXTS, max_size=2),
)


def table(good: dict[str, st.SearchStrategy[Any]], known: list[str]) -> st.SearchStrategy[Any]:
    """Mostly good keys, and sometimes any value under a known or an unknown key."""
    odd = st.dictionaries(st.sampled_from([*known, "unknown", ""]), ANY, max_size=1)
    return st.builds(
        lambda fine, bad: {**fine, **bad},
        st.fixed_dictionaries({}, optional=good),
        st.just({}) | odd,
    )


EXPORT = table(
    {
        "format": st.sampled_from(["mp4", "mov", "mkv", "webm", "avi"]),
        "video": st.sampled_from(["h264", "vp9", "x"]),
        "crf": INTEGERS,
        "preset": st.sampled_from(["medium", "slow", "x"]),
        "audio": st.sampled_from(["aac", "opus", "mp3"]),
        "audio_kbps": INTEGERS,
    },
    ["format", "video", "crf", "preset", "audio", "audio_kbps"],
)
SETTINGS: dict[str, st.SearchStrategy[Any]] = {
    "model": NAMES,
    "negative": TEXTS,
    "seed": INTEGERS,
    "size": st.sampled_from(["64x64", "0x1", "64", "1x99999", "1x100000", "64x64\n"]),
    "seconds": FLOATS | INTEGERS,
    "frames": INTEGERS,
    "fps": FLOATS | INTEGERS,
    "steps": INTEGERS,
    "guidance": FLOATS | INTEGERS,
    "audio_guidance": FLOATS,
    "guidance_2": FLOATS,
    "stg": FLOATS,
    "modality_guidance": FLOATS,
    "rescale": FLOATS,
    "shift": FLOATS | INTEGERS,
    "schedule": NAMES,
    "speed": st.sampled_from(["exact", "balanced", "fast", "faster", "", 1]),
    "loras": st.lists(table({"path": TEXTS, "scale": FLOATS}, ["path", "scale"]), max_size=2),
    "upscale": INTEGERS,
    "attempts": INTEGERS,
    "checks": st.lists(TEXTS, max_size=2),
    "export": EXPORT,
}
PROMPTS: dict[str, st.SearchStrategy[Any]] = {
    "prompt": TEXTS,
    "vars": st.dictionaries(
        st.sampled_from(["a", "b_1", "A", "1", "a-b", "a\n"]), TEXTS, max_size=2
    ),
}
KNOWN = [*SETTINGS, "prompt", "vars", "preset"]
DOCUMENTS = table(
    {
        "project": table(
            {"name": NAMES, "model": NAMES, "seed": INTEGERS, "checkpoint_seconds": FLOATS},
            ["name", "model", "seed", "checkpoint_seconds"],
        ),
        "include": st.just([]),
        "defaults": table(SETTINGS, KNOWN),
        "policy": table(
            {
                "licences": st.lists(TEXTS, max_size=2),
                "revenue_usd": FLOATS | INTEGERS,
                "paid": st.sampled_from(["never", "ask", "fallback", "always"]),
                "budget_usd": FLOATS,
            },
            ["licences", "revenue_usd", "paid", "budget_usd"],
        ),
        "presets": st.dictionaries(NAMES, table({**SETTINGS, **PROMPTS}, KNOWN), max_size=2),
        "shots": st.dictionaries(
            NAMES, table({**SETTINGS, **PROMPTS, "preset": NAMES}, KNOWN), max_size=2
        ),
        "films": st.dictionaries(
            NAMES,
            table(
                {
                    "shots": st.lists(NAMES, max_size=2),
                    "crossfade": FLOATS,
                    "checks": st.lists(TEXTS, max_size=1),
                    "export": EXPORT,
                },
                ["shots", "crossfade", "checks", "export"],
            ),
            max_size=2,
        ),
    },
    ["project", "defaults", "policy", "shots", "films", "presets"],
)


def parses(folder: Path, document: dict[str, Any]) -> str | None:
    """The parser's objection, or None. Presets and lengths are resolved later, not here."""
    (folder / "rushes.toml").write_text(tomli_w.dumps(document), "utf-8")
    try:
        read_project_file(folder)
    except ProjectError as exc:
        return f"{exc.where}: {exc.message}"
    return None


@settings(max_examples=200)
@given(DOCUMENTS, st.booleans())
def test_parser_and_schema_agree(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, Any], named: bool
) -> None:
    if named:
        document = {"project": {"name": "p"}, **document}
    objection = parses(tmp_path_factory.getbasetemp(), document)
    errors = [error.message for error in VALIDATOR.iter_errors(document)]
    assert (objection is None) == (not errors), (objection, errors)


@pytest.mark.parametrize("key", SETTINGS)
def test_every_limit_is_in_the_schema(key: str, tmp_path: Path) -> None:
    """Just inside and just outside of each limit, found in the schema itself."""
    rule = SCHEMA["$defs"]["ShotTable"]["properties"][key]
    tried = 0
    for name, inside in (("minimum", 0), ("maximum", 0), ("exclusiveMinimum", 1)):
        if name in rule:
            step = 1 if name != "maximum" else -1
            for value in (rule[name] + inside * step, rule[name] - (1 - inside) * step):
                document = {"project": {"name": "p"}, "shots": {"a": {key: value}}}
                assert (parses(tmp_path, document) is None) == VALIDATOR.is_valid(document)
                tried += 1
    numeric = rule.get("type") in ("integer", "number")
    assert tried >= 4 if numeric else not tried


def test_the_schema_refuses_what_tests_rely_on() -> None:
    good = {"project": {"name": "p"}, "shots": {"a": {"prompt": "x"}}}
    assert VALIDATOR.is_valid(good)
    for bad in (
        {},
        {"project": {}},
        {**good, "x": 1},
        {**good, "shots": {"A": {"prompt": "x"}}},
        {**good, "shots": {"a": {"promt": "x"}}},
        {**good, "shots": {"a": {"prompt": " "}}},
        {**good, "films": {"f": {"shots": []}}},
        {**good, "policy": {"paid": "maybe"}},
    ):
        assert not VALIDATOR.is_valid(bad), bad
