"""What a number of questions can tell: intervals of shares, and whether two models differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Z95 = 1.959963984540054
"""The normal quantile of 97.5 %."""
LEVEL = 0.05
"""A difference that chance makes more often than this is a tie."""


@dataclass(frozen=True, slots=True)
class Share:
    """``hits`` of ``total``, with Wilson's 95 % interval; all of 0..1 where nothing was asked."""

    hits: int
    total: int

    @property
    def value(self) -> float | None:
        """The share itself; None of nothing."""
        return self.hits / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval, which also holds for few questions and for shares near 0 and 1."""
        return find_wilson(self.hits, self.total)

    def to_dict(self) -> dict[str, object]:
        """For the JSON document."""
        low, high = self.interval
        return {
            "hits": self.hits, "total": self.total, "share": self.value, "low": low, "high": high
        }  # fmt: skip


def find_wilson(hits: int, total: int, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval of a share.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    if not total:
        return 0.0, 1.0
    share, square = hits / total, z * z / total
    middle = (share + square / 2) / (1 + square)
    half = z * math.sqrt(share * (1 - share) / total + square / (4 * total)) / (1 + square)
    low = 0.0 if hits == 0 else max(middle - half, 0.0)
    high = 1.0 if hits == total else min(middle + half, 1.0)
    return low, high


def find_mcnemar(only_first: int, only_second: int) -> float:
    """The exact two-sided p-value of McNemar's test.

    How likely chance alone splits the questions that exactly one of two models answers right at
    least as unevenly: a binomial test of one half.
    """
    total, fewer = only_first + only_second, min(only_first, only_second)
    if not total:
        return 1.0
    tail, ways = 0, 1
    for k in range(fewer + 1):
        tail += ways
        ways = ways * (total - k) // (k + 1)
    return min(2 * tail / (1 << total), 1.0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same questions.

    Args:
        only_first: questions that only the first answers right; ``only_second`` alike.
        total: questions that both were asked.
    """

    first: str
    second: str
    only_first: int
    only_second: int
    total: int

    @property
    def difference(self) -> float:
        """Share of the first less that of the second."""
        return (self.only_first - self.only_second) / self.total if self.total else 0.0

    @property
    def p_value(self) -> float:
        """Of McNemar's exact test."""
        return find_mcnemar(self.only_first, self.only_second)

    @property
    def ties(self) -> bool:
        """Whether chance would explain the difference."""
        return self.p_value >= LEVEL

    def to_dict(self) -> dict[str, object]:
        """For the JSON document."""
        return {
            "first": self.first, "second": self.second, "questions": self.total,
            "only_first_right": self.only_first, "only_second_right": self.only_second,
            "difference": self.difference, "p_value": self.p_value, "tie": self.ties,
        }  # fmt: skip


def compare(first: str, second: str, right: Sequence[bool], other: Sequence[bool]) -> Comparison:
    """Two models by which of the same questions each answered right."""
    pairs = list(zip(right, other, strict=True))
    return Comparison(
        first, second,
        sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs), len(pairs),
    )  # fmt: skip


def find_quantile(values: Sequence[float], share: float) -> float | None:
    """The value below which ``share`` of them lie, between neighbours by a straight line."""
    ranked = sorted(values)
    if not ranked:
        return None
    place = share * (len(ranked) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ranked) - 1)
    return ranked[low] + (ranked[high] - ranked[low]) * (place - low)
