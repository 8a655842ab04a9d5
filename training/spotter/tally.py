"""How training goes: losses, and the share of the questions answered right, by kind.

The answers are judged under teacher forcing, on clips that may have come up before with other
questions: a figure to watch, not one to state. `bench/spotter` measures.
"""

from collections import defaultdict
from itertools import pairwise

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

from training.spotter.questions import Question
from training.spotter.sequences import Batch


class Tally:
    """Sums since the last report. A time counts as right within `interval` seconds."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, interval: float) -> None:
        self.tokenizer = tokenizer
        self.interval = interval
        self.clear()

    def clear(self) -> None:
        self.losses: dict[str, list[float]] = defaultdict(list)
        self.right: dict[str, list[bool]] = defaultdict(list)

    def add(
        self, batch: Batch, questions: list[list[Question]], out: dict[str, torch.Tensor]
    ) -> None:
        for name in ("answer", "sight", "story", "dates"):
            if name in out:
                self.losses[name].append(float(out[name].detach()))
        if "guess" not in out:
            return
        hits = out["guess"] == batch.targets
        at = 0
        for row, asked in enumerate(questions):
            mine = int((batch.rows == row).sum())
            for question, where in zip(asked, self._split(batch, row, at, mine), strict=True):
                good = bool(hits[where].all())
                if question.seconds is not None and not good:
                    good = self._is_near(question, out["guess"][where])
                self.right[question.kind].append(good)
            at += mine

    def _split(self, batch: Batch, row: int, at: int, count: int) -> list[slice]:
        """Where each question's answer tokens lie among those of the batch."""
        columns = batch.columns[at : at + count]
        cuts = ((columns.diff() > 1).nonzero().flatten() + 1).tolist()
        edges = [0, *cuts, count]
        return [slice(at + a, at + b) for a, b in pairwise(edges)]

    def _is_near(self, question: Question, guess: torch.Tensor) -> bool:
        words = self.tokenizer.decode(guess.tolist(), skip_special_tokens=True).split()
        try:
            said = float(words[1])
        except (IndexError, ValueError):
            return False
        return abs(said - (question.seconds or 0.0)) <= self.interval

    def report(self) -> str:
        """One line, and a fresh start."""
        losses = "  ".join(f"{n} {np.mean(v):.3f}" for n, v in self.losses.items())
        groups: dict[str, list[bool]] = defaultdict(list)
        for kind, hits in self.right.items():
            groups["yes_no" if kind.startswith("yes_no") else kind] += hits
        shares = " ".join(f"{k} {100 * np.mean(v):.0f}" for k, v in sorted(groups.items()))
        self.clear()
        return f"{losses}  {shares}"
