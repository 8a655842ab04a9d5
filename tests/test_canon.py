from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.canon import NotCanonical, digest_value, encode_value

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.binary()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def typed(value: Any) -> Any:
    """The value with the type of every part spelt out, so that ``==`` tells 1 from 1.0 and True."""
    if isinstance(value, dict):
        return {"dict": {key: typed(item) for key, item in value.items()}}
    if isinstance(value, (list, tuple)):
        return ["list", [typed(item) for item in value]]
    return [type(value).__name__, value]


def reverse_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reverse_keys(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [reverse_keys(item) for item in value]
    return value


@given(VALUES)
def test_order_of_keys_does_not_matter(value: Any) -> None:
    assert encode_value(reverse_keys(value)) == encode_value(value)


@given(VALUES, VALUES)
def test_bytes_are_equal_exactly_where_values_are(one: Any, other: Any) -> None:
    assert (encode_value(one) == encode_value(other)) == (typed(one) == typed(other))


@given(st.lists(VALUES, min_size=2, max_size=4))
def test_nesting_is_seen(items: list[Any]) -> None:
    flat = encode_value(items)
    assert encode_value([items]) != flat
    assert encode_value([items[0], items[1:]]) != flat
    assert encode_value({str(n): item for n, item in enumerate(items)}) != flat


LOOKALIKES = [
    1, 1.0, "1", True, b"1", None, "", b"", 0, 0.0, False, "None", "n", [], {}, [[]], [None],
    [1, 2], [12], ["1", "2"], ["12"], ["12", ""], {"a": 1}, {"a": {"": 1}}, ["a", 1], "s1:a",
    [{}], {"": None}, 10, [1, 0], "t", {"a": 1, "b": 2}, {"a": [1, "b", 2]}, -1, "-1",
]  # fmt: skip


def test_lookalikes_differ() -> None:
    encoded = [encode_value(value) for value in LOOKALIKES]
    assert len(set(encoded)) == len(LOOKALIKES)


def test_negative_zero_is_zero() -> None:
    assert encode_value(-0.0) == encode_value(0.0)
    assert encode_value([-0.0]) != encode_value([0])


class Struct(msgspec.Struct):
    b: int
    a: str


@dataclass
class Data:
    a: str
    b: int


def test_structs_and_dataclasses_are_the_mapping_of_their_fields() -> None:
    expected = encode_value({"a": "x", "b": 2})
    assert encode_value(Struct(b=2, a="x")) == expected
    assert encode_value(Data("x", 2)) == expected


class Text(str):
    pass


class Whole(int):
    pass


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        float("-inf"),
        {1, 2},
        frozenset(),
        Path("/tmp"),
        object(),
        print,
        1j,
        bytearray(b"x"),
        {1: "a"},
        {None: "a"},
        {("a",): 1},
        Text("x"),
        Whole(3),
        {Text("x"): 1},
        "\ud800",
        {"\udfff": 1},
        10**5000,
        range(3),
        (item for item in ()),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: [v], lambda v: {"a": [v]}])
def test_what_has_no_form_is_refused(value: object, wrap: Any) -> None:
    with pytest.raises(NotCanonical):
        encode_value(wrap(value))


GOLDEN = [
    (None, "1b16b1df538ba12dc3f97edbb85caa7050d46c148134290feba80f8236c83db9"),
    (
        {"b": [1, 1.5, "ä", True], "a": None, "c": b"\x00"},
        "55347e8cb2be94271beac9d2f1d5342be8f4c91cdbadc27c48f05c5ca3d8adcf",
    ),
    (
        "a red ball bounces on a grey background",
        "ce2f17a7d5c19c25ebafff4c205736d1ad8537779c6411ebf4705c73322f6bb8",
    ),
    (
        [["frames", 33], ["fps", 16.0], -(2**70), {}],
        "e1bc42956487a45bb492f07157c24ecc6686ed56c868aadeb6baaea4ab1d215a",
    ),
]


@pytest.mark.parametrize(("value", "digest"), GOLDEN)
def test_digests_do_not_move(value: object, digest: str) -> None:
    """A change here makes every stored result of every user unreachable."""
    assert digest_value(value) == digest


def test_other_processes_agree() -> None:
    value = {f"key {n}": [n, float(n), str(n), {"ö": None, "x": b"\xff"}] for n in range(50)}
    script = f"from rushes.canon import digest_value; print(digest_value({value!r}))"
    for seed in ("0", "1", "4711"):
        env = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == digest_value(value)
