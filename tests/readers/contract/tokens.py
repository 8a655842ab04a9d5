"""A byte-level tokenizer in which a family's marks are single tokens."""

from __future__ import annotations

from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast


def make_tokenizer(marks: dict[str, str], others: list[str], template: str) -> Any:
    """Bytes, then marks.

    Args:
        marks: by the role under which the family's processor asks for them.
    """
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = ["<pad>", "<end>", *marks.values(), *others]
    vocabulary = {letter: k for k, letter in enumerate(letters)}
    raw = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    raw.decoder = decoders.ByteLevel()
    raw.add_special_tokens(special)
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token="<pad>",
        eos_token="<end>",
        additional_special_tokens=[*marks.values(), *others],
        extra_special_tokens=marks,
        chat_template=template,
        clean_up_tokenization_spaces=False,
    )
