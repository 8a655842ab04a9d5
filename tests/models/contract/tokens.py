"""Tokenizers with a few words, and single letters for what is not among them."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import torch
from tokenizers import Tokenizer, models, processors
from transformers import PreTrainedTokenizerFast


def make_tokenizer(
    words: Sequence[str],
    special: Sequence[str] = (),
    *,
    begin: str | None = None,
    end: str | None = None,
    length: int = 512,
) -> Any:
    """Pads with token 0, on the right; 1 is unknown."""
    marks = [*dict.fromkeys(["<pad>", "<unk>", *filter(None, (begin, end)), *special])]
    scores = dict.fromkeys(marks, 0.0)
    scores.update({word: -5.0 for word in words if word not in scores})
    scores.update({letter: -20.0 for letter in string.printable if letter not in scores})
    backend = Tokenizer(models.Unigram(list(scores.items()), unk_id=1))
    backend.add_special_tokens(marks)
    around = [mark for mark in (begin, "$A", end) if mark]
    backend.post_processor = processors.TemplateProcessing(
        single=" ".join(around),
        special_tokens=[(mark, marks.index(mark)) for mark in around if mark != "$A"],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", unk_token="<unk>", bos_token=begin,
        eos_token=end, model_max_length=length, padding_side="right",
    )  # fmt: skip


def randomise(*modules: torch.nn.Module) -> None:
    """Weights that keep what goes through them about as large as it was, and lose none of it."""
    generator = torch.Generator().manual_seed(1)
    for module in modules:
        module.eval()
        for parameter in module.parameters():
            if parameter.ndim > 1:
                spread = parameter[0].numel() ** -0.5
                parameter.data.normal_(0, spread, generator=generator)
