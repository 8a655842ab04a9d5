"""Answers that follow a JSON Schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import AnswerInvalid, UsageError
from rushes.readers.base import Answer
from rushes.readers.structured import Form, ask_form, read_form, read_value

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"count": {"type": "integer"}, "kind": {"$ref": "#/$defs/kind"}},
    "required": ["count"],
    "additionalProperties": False,
    "$defs": {"kind": {"enum": ["ball", "square"]}},
}
FORM = Form(json.dumps(SCHEMA))


class Scripted:
    """Gives its answers one by one, and keeps what it was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.asked = list(answers), list[str]()

    def __call__(self, question: str) -> Answer:
        self.asked.append(question)
        return Answer(self.answers[len(self.asked) - 1], (), (0.0,), "x", 10)


def test_a_right_answer_is_asked_for_once() -> None:
    reader = Scripted('```json\n{"count": 2, "kind": "ball"}\n```')
    answer, value = ask_form(reader, "how many?", FORM)
    assert value == {"count": 2, "kind": "ball"}
    assert answer.tokens == 10
    assert reader.asked == [FORM.write_question("how many?")]
    assert FORM.schema in reader.asked[0]


def test_a_wrong_one_is_asked_for_again_with_what_is_wrong() -> None:
    reader = Scripted("two balls", '{"count": "two"}', '{"count": 2}')
    answer, value = ask_form(reader, "how many?", FORM)
    assert (value, answer.tokens) == ({"count": 2}, 30)
    first, second, third = reader.asked
    assert second.startswith(first)
    assert "two balls" in second
    assert "it is no JSON" in second
    assert "at $.count: 'two' is not of type 'integer'" in third
    assert "two balls" not in third


def test_after_so_many_tries_it_is_an_error() -> None:
    reader = Scripted(*['{"count": 1.5}'] * 9)
    with pytest.raises(AnswerInvalid, match=r"after 3 tries .*at .*count") as caught:
        ask_form(reader, "how many?", FORM)
    assert len(reader.asked) == 3
    assert caught.value.exit_code == 4


@given(st.text(max_size=3000), st.text(max_size=3000))
def test_no_question_is_longer_than_there_is_room_for(first: str, second: str) -> None:
    reader = Scripted("!" + first, "!" + second, "!")
    with pytest.raises(AnswerInvalid):
        ask_form(reader, "how many?", FORM)
    longest = len(FORM.write_longest("how many?").encode())
    assert all(len(asked.encode("utf-8", "replace")) <= longest for asked in reader.asked)


@given(st.text(max_size=60) | st.just("NaN") | st.just("[" * 5000))
def test_any_answer_is_read_or_told_to_be_wrong(text: str) -> None:
    value, wrong = read_value(text, FORM)
    assert wrong is not None or isinstance(value, dict)


@given(st.integers())
def test_what_follows_the_schema_is_right(count: int) -> None:
    assert read_value(json.dumps({"count": count}), FORM) == ({"count": count}, None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ('{"minimum": NaN}', "is no JSON"),
        ("[]", "is no JSON Schema"),
        ('{"type": "objekt"}', "is no JSON Schema"),
        ('{"$ref": "http://127.0.0.1:1/x.json"}', "which is not in it"),
        ('{"$ref": "file:///etc/passwd"}', "which is not in it"),
        ('{"items": [{"$ref": "#/$defs/gone"}]}', "which is not in it"),
        ('{"$comment": "' + "x" * 100_000 + '"}', "larger than"),
    ],
)
def test_what_is_no_schema_is_one_clear_error(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_form(path)
    assert words in caught.value.message


def test_a_schema_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        read_form(tmp_path / "gone.json")
    path = tmp_path / "a.json"
    path.write_text(json.dumps(SCHEMA, indent=2))
    assert json.loads(read_form(path).schema) == SCHEMA
