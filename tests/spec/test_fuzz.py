"""Whatever stands in the file: a project, or an error of ours."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rushes.errors import RushesError
from rushes.lock import Lock
from rushes.plan.build import build_plan
from rushes.spec.resolve import load_project

VALID = """\
include = ["pack.toml"]
[project]
name = "spring-launch"
model = "sprite"
seed = 7
[defaults]
size = "96x96"
seconds = 2.0
fps = 16
checks = ["default"]
export = { format = "mp4", crf = 20 }
[policy]
licences = ["apache-2.0", "mit"]
revenue_usd = 2_000_000
paid = "never"
[presets.own]
prompt = "a {colour} ball"
vars = { colour = "blue" }
[shots.opening]
preset = "bounce"
vars = { colour = "red", ground = "grey" }
attempts = 4
[shots.second]
preset = "own"
frames = 17
negative = ''
[films.teaser]
shots = ["opening", "second"]
crossfade = 0.25
"""
PACK = '[presets.bounce]\nprompt = "a {colour} ball bounces on a {ground} background"\n'
TOKENS = re.findall(r"\s+|[A-Za-z0-9_.]+|.", VALID)
ODD = [
    "nan", "inf", "-inf", "-0.0", "1e400", "1e-400", "9" * 30, "9" * 5000, "0x" + "f" * 5000,
    "0o7", "1979-05-27T07:32:00Z", "1979-05-27", "07:32:00", "true", "[]", "[[]]", "[[1], ['a']]",
    "{}", "{a = 1}", "[" * 50 + "]" * 50, "[" * 3000, "{a=" * 800, '""', "''", '"""', "'''",
    '"\\u0000"', '"\\U0001F3AC"', '"\\n"', '"{"', '"{x}"', '"{0}"', '"{x.y}"', '"{{}}"', "\ufeff",
    "\r\n", "\r", "\n", "\x00", "\x1f", "\u2028", "é", "🎬", "[", "]", "[[", "]]", "=", ".", ",",
    "#", "a.b.c.d", "[shots]", "[shots.opening]", "[[shots]]", "[films.x]", "[project.x]",
    '"package:rushes/x"', '"package:"', '"/etc/passwd"', '"../x"', "shots", "prompt", "vars",
    "model", "include", "export", "seconds = 1", "frames = 30", "extend",
]  # fmt: skip


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "pack.toml").write_text(PACK)
        yield Path(name)


def try_file(folder: Path, data: bytes) -> bool:
    """Read and plan; whether it was a project. Anything but an error of ours gets through."""
    (folder / "rushes.toml").write_bytes(data)
    try:
        build_plan(load_project(folder), Lock(), lambda keys: {})
    except RushesError as exc:
        error = exc
    else:
        return True
    assert error.message
    assert error.exit_code in (2, 3)
    if error.exit_code == 2:
        where = error.where or ""
        assert re.fullmatch(r"(rushes|pack)\.toml(:\d+)?|package:.*", where)
        line = where.partition(":")[2]
        assert not line.isdigit() or 1 <= int(line) <= data.count(b"\n") + 1
    return False


def test_the_seed_is_valid(folder: Path) -> None:
    assert try_file(folder, VALID.encode())
    assert try_file(folder, VALID.replace("\n", "\r\n").encode())
    assert try_file(folder, b"\xef\xbb\xbf" + VALID.encode())


@given(st.text() | st.text(alphabet="[]{}=.,#\"'\\ \n\tashotprem0123456789_-"))
@example("\ufeff" * 2)
@example("project.name" * 500)
@example(".".join("a" * 3000) + "=1")
@example("[" + ".".join("a" * 3000) + "]")
@example("project = {" + "a.b." * 900 + "c=1}")
def test_any_text(folder: Path, text: str) -> None:
    try_file(folder, text.encode("utf-8", "surrogatepass"))


@given(st.binary(max_size=200))
def test_any_bytes(folder: Path, data: bytes) -> None:
    try_file(folder, data)


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["drop", "insert", "replace", "swap", "double"]),
        st.integers(0, len(TOKENS) - 1),
        st.sampled_from([*ODD, *set(TOKENS)]),
    ),
    min_size=1,
    max_size=4,
)


def edit(tokens: list[str], kind: str, place: int, token: str) -> list[str]:
    place %= max(len(tokens), 1)
    before, after = tokens[:place], tokens[place + 1 :]
    match kind:
        case "drop":
            return before + after
        case "insert":
            return [*before, token, *tokens[place:]]
        case "replace":
            return [*before, token, *after]
        case "double":
            return [*before, *tokens[place : place + 8], *tokens[place:]]
    return [*after, *tokens[place : place + 1], *before]


@settings(max_examples=300)
@given(EDITS)
def test_a_valid_project_with_its_tokens_changed(
    folder: Path, edits: list[tuple[str, int, str]]
) -> None:
    tokens = TOKENS
    for kind, place, token in edits:
        tokens = edit(tokens, kind, place, token)
    try_file(folder, "".join(tokens).encode())


VALUES = [index + 1 for index, token in enumerate(TOKENS) if token == "="]


@settings(max_examples=200)
@given(st.sampled_from(VALUES), st.sampled_from(ODD))
def test_a_valid_project_with_one_value_changed(folder: Path, place: int, value: str) -> None:
    """From each ``=`` to the end of its line."""
    end = next(n for n in range(place, len(TOKENS)) if n > place and "\n" in TOKENS[n])
    try_file(folder, "".join([*TOKENS[:place], value, *TOKENS[end:]]).encode())


@given(
    st.dictionaries(
        st.sampled_from(["seed", "size", "seconds", "frames", "fps", "steps", "guidance", "export",
                         "checks", "vars", "prompt", "preset", "model", "negative", "attempts"])
        | st.text(max_size=5),
        st.recursive(
            st.integers() | st.floats() | st.booleans() | st.text(max_size=8)
            | st.datetimes(timezones=st.none()).map(lambda d: d) | st.sampled_from([10**30]),
            lambda inner: st.lists(inner, max_size=3)
            | st.dictionaries(st.text(max_size=4), inner, max_size=3),
            max_leaves=6,
        ),
        max_size=4,
    ),
    st.sampled_from(["project", "defaults", "shots", "presets", "films", "policy", "include", "x"]),
)  # fmt: skip
def test_any_values_under_known_keys(folder: Path, table: dict[str, object], group: str) -> None:
    import tomli_w

    document: dict[str, object] = {"project": {"name": "p"}, "shots": {"a": {"prompt": "x"}}}
    document[group] = {"b": table, **table} if group in ("shots", "presets", "films") else table
    text = tomli_w.dumps(document)
    try_file(folder, text.encode("utf-8", "replace"))
