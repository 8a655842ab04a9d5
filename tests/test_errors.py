"""The tree of errors: exit codes, what crosses processes, and the picture at its top."""

from __future__ import annotations

import pickle
import re

import pytest

from rushes import errors
from rushes.errors import RushesError, error_types

TREE = re.findall(r"^[ │├└─]*([A-Z]\w+)\s+(\d+)\s", errors.__doc__ or "", re.MULTILINE)


def test_the_picture_shows_every_class_and_its_exit_code() -> None:
    drawn = {name: int(code) for name, code in TREE}
    assert drawn == {
        name: kind.exit_code for name, kind in error_types().items() if name != "RushesError"
    }


def test_exit_codes_are_those_of_the_contract() -> None:
    assert {kind.exit_code for kind in error_types().values()} == {2, 3, 4, 130}


@pytest.mark.parametrize("name", sorted(error_types()))
def test_an_error_crosses_processes(name: str) -> None:
    error = error_types()[name]("what", where="file:3", hint="do this")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert again.to_dict() == error.to_dict() == {
        "type": name, "message": "what", "where": "file:3", "hint": "do this"
    }  # fmt: skip
    assert isinstance(again, RushesError)
    assert str(again) == "what"
