"""Spotter's own small tokenizer: byte-level BPE, as Qwen's is, over the words of the wordings.

A word of the wordings is one token with or without the space before it, and so is a time with one
decimal, which never takes the space along: "<0.8 seconds>" before a frame and "at 0.8 s" in an
answer share a token, and an answer can copy it. Text is lower-cased; any text tokenises.
"""

import re

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from training.spotter import parts
from training.spotter.wordings import list_words
from training.sprite import world

TIMES = 100  # "0.0" to "9.9"
LIMIT = 4000  # tokens; the words need fewer
PIECES = (
    r"\d+\.\d"  # a time
    r"| seconds>|(?:system|user|assistant)\n"
    r"| ?[a-z]+|\d| ?[^\sa-z\d]|\s"
)


def list_pieces() -> list[str]:
    """What shall be one token each."""
    texts = [*list_words(), *world.COLOURS, *world.BACKGROUNDS, *world.SHAPES, *world.MOTIONS]
    found = {w for text in texts for w in re.findall(r"[a-z]+", re.sub(r"\{\w+\}", " ", text))}
    pieces = [form for word in sorted(found) for form in (f" {word}", word)]
    pieces += [f"{k / 10:.1f}" for k in range(TIMES)]
    return [*pieces, " seconds>", "user\n", "assistant\n", "system\n"]


def train_tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer, ready to be saved; deterministic."""
    raw = Tokenizer(models.BPE())
    raw.normalizer = normalizers.Lowercase()
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=LIMIT,
        min_frequency=1,
        special_tokens=list(parts.SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    raw.train_from_iterator(list_pieces(), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=[*parts.SPECIAL[1:2], *parts.SPECIAL[3:]],
        model_max_length=4096,
        clean_up_tokenization_spaces=False,
        chat_template=parts.CHAT_TEMPLATE,
    )
