"""One clip and many questions in one sequence, so that one look at the clip serves them all.

    [before][block][block] ...   [after + question + answer]   [after + question + answer] ...

Every question sees the clip and itself, not the other questions, and is numbered as if it stood
right behind the clip: what the model reads is exactly the prompt with that one question.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

from rushes.readers.qwen3vl_video import average_times, write_blocks
from training.spotter import parts
from training.spotter.questions import Question
from training.spotter.spared import AXIS, list_spared
from training.spotter.tokenizer import TIMES

BEFORE = "<|im_start|>user\n<|vision_start|>"
AFTER = "<|vision_end|>{question}<|im_end|><|im_start|>assistant\n"
END = "<|im_end|>"


@dataclass(frozen=True)
class Sequence:
    """One clip with its questions, not padded.

    `ids` (L,), `segments` (L,) 0 for the clip and k for question k, `positions` (3, L), `answers`
    (A,): where answer tokens lie, `blocks`: where each block ends. All int64. `moments` (A,)
    float32: the exact seconds of the answer tokens that are a time, NaN of all others. `spared`
    (S, 2): an answer token's place among `answers`, and a token it is not compared with. `dated`
    (D,) int64: where the words of a question that name an event end, `dates` (D,) float32: its
    exact seconds.
    """

    ids: np.ndarray
    segments: np.ndarray
    positions: np.ndarray
    answers: np.ndarray
    blocks: np.ndarray
    moments: np.ndarray
    spared: np.ndarray
    dated: np.ndarray
    dates: np.ndarray


@dataclass(frozen=True)
class Batch:
    """What `Spotter.forward` reads. `rows`, `columns`, `moments`: answer tokens; `spared` (S, 2)
    int64: which of them is not compared with which token; `dated_rows`, `dated_columns`, `dates`:
    where a question has named an event; `mask` (B, 1, L, L) bool."""

    ids: torch.Tensor
    positions: torch.Tensor
    mask: torch.Tensor
    rows: torch.Tensor
    columns: torch.Tensor
    targets: torch.Tensor
    moments: torch.Tensor
    spared: torch.Tensor
    dated_rows: torch.Tensor
    dated_columns: torch.Tensor
    dates: torch.Tensor
    block_rows: torch.Tensor
    block_columns: torch.Tensor
    pixels: torch.Tensor
    grids: torch.Tensor


def list_ticks(tokenizer: PreTrainedTokenizerFast) -> list[int]:
    """The tokens of the times, tenth of a second by tenth of a second from 0."""
    return tokenizer.convert_tokens_to_ids([f"{k / 10:.1f}" for k in range(TIMES)])


class Writer:
    """Writes sequences with one tokenizer; what was encoded before is remembered."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self.encode = lru_cache(200_000)(
            lambda text: tuple(tokenizer(text, add_special_tokens=False)["input_ids"])
        )
        self.ticks = frozenset(list_ticks(tokenizer))
        self.words = {
            self.encode(lead + word)[0]: (lead, word) for lead in ("", " ") for word in AXIS
        }

    def write_clip(self, seconds: list[float], tokens: int) -> tuple[int, ...]:
        """Ids up to the last block's end, which the reader's prompt begins with."""
        times = average_times(seconds, parts.DEPTH)
        blocks = (
            write_blocks([t], tokens, "<|video_pad|>", "<|vision_start|>", "<|vision_end|>")
            for t in times
        )
        return self.encode(BEFORE) + tuple(i for block in blocks for i in self.encode(block))

    def write(
        self, seconds: list[float], grid: tuple[int, int, int], questions: list[Question]
    ) -> Sequence:
        """The sequence of a clip sampled at `seconds`, with `questions` in turn."""
        tokens = grid[1] * grid[2] // parts.MERGE**2
        clip = self.write_clip(seconds, tokens)
        positions = [number_clip(clip, grid)]
        after = int(positions[0].max()) + 1
        ids, segments, answers, moments, spared = list(clip), [0] * len(clip), [], [], []
        dated: list[tuple[int, float]] = []
        for k, question in enumerate(questions, 1):
            asked = self.encode(AFTER.format(question=question.text))
            said = self.encode(question.answer + END)
            dated += [(len(ids) + at, date) for at, date in self.find_dated(question)]
            spared += [(len(answers) + at, token) for at, token in self.spare(said, question)]
            answers += range(len(ids) + len(asked), len(ids) + len(asked) + len(said))
            exact = np.nan if question.seconds is None else question.seconds
            moments += [exact if token in self.ticks else np.nan for token in said]
            ids += asked + said
            segments += [k] * (len(asked) + len(said))
            positions.append(np.arange(len(asked) + len(said))[None].repeat(3, 0) + after)
        return Sequence(
            ids=np.array(ids),
            segments=np.array(segments),
            positions=np.concatenate(positions, 1),
            answers=np.array(answers, np.int64),
            blocks=np.flatnonzero(np.array(clip) == parts.VISION_END),
            moments=np.array(moments, np.float32),
            spared=np.array(spared, np.int64).reshape(-1, 2),
            dated=np.array([at for at, _ in dated], np.int64),
            dates=np.array([date for _, date in dated], np.float32),
        )

    def find_dated(self, question: Question) -> list[tuple[int, float]]:
        """Tokens that end an event's words, counted from the question's first; its date."""
        before, text = AFTER.split("{question}")[0], question.text
        ends = [text.index(words) + len(words) for words, _ in question.dated]
        return [
            (len(self.encode(before + text[:end])) - 1, date)
            for end, (_, date) in zip(ends, question.dated, strict=True)
        ]

    def spare(self, said: tuple[int, ...], question: Question) -> list[tuple[int, int]]:
        """Place in the answer and the token that is spared there (spared.py)."""
        leads, words = zip(*(self.words.get(token, ("", "")) for token in said), strict=True)
        found = list_spared(words, question.about)
        return [(at, self.encode(leads[at] + word)[0]) for at, word in found]


def number_clip(ids: tuple[int, ...], grid: tuple[int, int, int]) -> np.ndarray:
    """(3, L) time, row and column, as `Qwen3VLModel.get_rope_index` numbers a prompt's tokens."""
    rows, columns = grid[1] // parts.MERGE, grid[2] // parts.MERGE
    positions, at, k = np.zeros((3, len(ids)), np.int64), 0, 0
    while k < len(ids):
        if ids[k] != parts.VIDEO_PAD:
            positions[:, k] = at
            at, k = at + 1, k + 1
            continue
        cells = np.arange(rows * columns)
        positions[:, k : k + len(cells)] = at
        positions[1, k : k + len(cells)] += cells // columns
        positions[2, k : k + len(cells)] += cells % columns
        at, k = at + max(rows, columns), k + len(cells)
    return positions


def join_sequences(
    sequences: list[Sequence], pixels: torch.Tensor, grids: list[tuple[int, int, int]]
) -> Batch:
    """Padded to the longest; `pixels` of all clips one after the other."""
    count, length = len(sequences), max(len(s.ids) for s in sequences)
    ids = np.full((count, length), parts.PAD, np.int64)
    segments = np.full((count, length), -1, np.int64)
    positions = np.zeros((3, count, length), np.int64)
    for k, s in enumerate(sequences):
        ids[k, : len(s.ids)], segments[k, : len(s.ids)] = s.ids, s.segments
        positions[:, k, : len(s.ids)] = s.positions
    rows = np.concatenate([np.full(len(s.answers), k) for k, s in enumerate(sequences)])
    columns = np.concatenate([s.answers for s in sequences])
    dated = np.concatenate([np.full(len(s.dated), k) for k, s in enumerate(sequences)])
    starts = np.cumsum([0, *(len(s.answers) for s in sequences)])
    spared = [np.add(s.spared, (at, 0)) for s, at in zip(sequences, starts[:-1], strict=True)]
    return Batch(
        ids=torch.from_numpy(ids),
        positions=torch.from_numpy(positions),
        mask=make_mask(torch.from_numpy(segments)),
        rows=torch.from_numpy(rows),
        columns=torch.from_numpy(columns),
        targets=torch.from_numpy(ids[rows, columns]),
        moments=torch.from_numpy(np.concatenate([s.moments for s in sequences])),
        spared=torch.from_numpy(np.concatenate(spared)),
        dated_rows=torch.from_numpy(dated),
        dated_columns=torch.from_numpy(np.concatenate([s.dated for s in sequences])),
        dates=torch.from_numpy(np.concatenate([s.dates for s in sequences])),
        block_rows=torch.cat([torch.full((len(s.blocks),), k) for k, s in enumerate(sequences)]),
        block_columns=torch.cat([torch.from_numpy(s.blocks) for s in sequences]),
        pixels=pixels,
        grids=torch.tensor(grids),
    )


def make_mask(segments: torch.Tensor) -> torch.Tensor:
    """(B, L) to (B, 1, L, L) bool: what comes before, of the clip or of the same question."""
    length = segments.shape[1]
    before = torch.ones(length, length, dtype=torch.bool).tril()
    mine, theirs = segments[:, :, None], segments[:, None, :]
    return (before & ((theirs == 0) | (theirs == mine)))[:, None]
