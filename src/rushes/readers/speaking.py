"""An answer told as its tokens come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rushes.readers.base import Words

HALF_LETTER = "\ufffd"
"""How a tokenizer writes bytes that are no letter yet."""


@dataclass(slots=True)
class Speaker:
    """Gives ``on_words`` the words that are new; a letter of several tokens comes as a whole.

    Args:
        tokenizer: of transformers' classes.
        on_words: is given what was said, in pieces that make up the answer.
    """

    tokenizer: Any
    on_words: Words
    _said: list[int] = field(default_factory=list)
    _told: int = 0

    def hear(self, tokens: list[int]) -> None:
        """The tokens that came after the last ones."""
        self._said += tokens
        text = self._write()
        if not text.endswith(HALF_LETTER):
            self._tell(text)

    def end(self) -> None:
        """No token comes any more: what is half a letter now stays one, and is told."""
        self._tell(self._write())

    def _write(self) -> str:
        return str(self.tokenizer.decode(self._said, skip_special_tokens=True)).lstrip()

    def _tell(self, text: str) -> None:
        if len(text) > self._told:
            self.on_words(text[self._told :])
            self._told = len(text)
