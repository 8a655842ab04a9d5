"""Sprite's own small tokenizer: Gemma's kind of BPE, trained on the world's prompts.

Spaces become "▁", all printable ASCII is in the alphabet and any other character falls back to its
bytes, so any text tokenises; the world's words are one token each. It begins with <bos>, pads left,
and loads with `AutoTokenizer.from_pretrained`.
"""

import json
import string
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import GemmaTokenizerFast

from training.sprite.prompts import list_corpus

MERGED = 340  # tokens that are neither special nor bytes: characters and merges
MAX_TOKENS = 32  # the length the transformer is trained with; also the number of registers
SPECIAL = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>",
           "<start_of_image>", "<end_of_image>", "<image_soft_token>")  # fmt: skip
BOI, EOI, IMAGE = 7, 8, 9
BYTES = tuple(f"<0x{i:02X}>" for i in range(256))


def learn_merges() -> tuple[list[str], list[tuple[str, str]]]:
    """Characters and merges; deterministic, since the corpus has a fixed seed."""
    raw = Tokenizer(models.BPE())
    raw.normalizer = normalizers.Replace(" ", "▁")
    raw.pre_tokenizer = pre_tokenizers.Split("\n", "removed")
    trainer = trainers.BpeTrainer(
        vocab_size=MERGED,
        initial_alphabet=["▁", *sorted(set(string.printable) - set(string.whitespace))],
        min_frequency=10,
        show_progress=False,
    )
    words = [word for line in list_corpus() for word in split_words(line)]
    raw.train_from_iterator(words, trainer)
    model = json.loads(raw.to_str())["model"]
    merges = [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in model["merges"]]
    return sorted(model["vocab"], key=model["vocab"].get), merges


def split_words(line: str) -> list[str]:
    """ "a red ball, silent" -> ["a", " red", " ball", ",", " silent"]."""
    out: list[str] = []
    for i, word in enumerate(line.split(" ")):
        mark = word[-1] if word[-1:] in ",." else ""
        out.append((" " if i else "") + word.removesuffix(mark))
        if mark:
            out.append(mark)
    return out


def train_tokenizer() -> GemmaTokenizerFast:
    """The tokenizer, ready to be saved."""
    pieces, merges = learn_merges()
    tokens = [*SPECIAL, *BYTES, *pieces]
    return GemmaTokenizerFast(
        vocab={token: i for i, token in enumerate(tokens)},
        merges=merges,
        add_bos_token=True,
        model_max_length=MAX_TOKENS,
        padding_side="left",
        additional_special_tokens=list(SPECIAL[5:]),
    )


def save_tokenizer(folder: Path) -> None:
    """Writes the folder that `AutoTokenizer` and `GemmaTokenizerFast` load."""
    train_tokenizer().save_pretrained(folder)
