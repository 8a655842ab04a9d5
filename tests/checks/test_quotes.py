"""What a prompt quotes, to be read or to be said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.checks.quotes import list_quotes, list_spoken, list_written, split_words


@pytest.mark.parametrize(
    ("prompt", "written", "spoken"),
    [
        ("a red ball bounces", [], []),
        ('a sign that says "OPEN" over a door', ["OPEN"], []),
        ('a man says "good morning"', [], ["good morning"]),
        ("she whispers: 'come in'; a poster reads “Dance”", ["Dance"], ["come in"]),
        ('he says "one" and "two"', [], ["one", "two"]),
        ("it's the dog's bowl", [], []),
        ('a "Café" at night. A voice says «bonjour»', ["Café"], ["bonjour"]),
    ],
)
def test_what_stands_before_says_which(prompt: str, written: list[str], spoken: list[str]) -> None:
    assert list_written((prompt,)) == written
    assert list_spoken((prompt,)) == spoken


def test_words_are_compared_without_case_accents_and_punctuation() -> None:
    assert split_words("Don’t stop, CAFÉ-bar!") == ["dont", "stop", "cafe", "bar"]


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    for words, _ in list_quotes(text):
        assert words in text
    split_words(text)
