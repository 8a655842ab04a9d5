"""Seconds of an item, from what the ledger measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from rushes.errors import UsageError
from rushes.ledger import NodeRow
from rushes.route.figures import Figure

WHOLE = ("denoise", "ask", "generate")
"""A take without one of these is a part of one, and is not counted."""


def measure_seconds(nodes: Iterable[NodeRow], model: str) -> tuple[Figure, int]:
    """How long the model's stages worked on one take: tenth percentile, median, ninetieth.

    Returns:
        The seconds, and of how many takes.

    Raises:
        UsageError: the model finished no take in this ledger.
    """
    takes: dict[tuple[str, str, int], float] = defaultdict(float)
    whole: set[tuple[str, str, int]] = set()
    for node in nodes:
        if node.model != model or node.error is not None or node.resumed_step is not None:
            continue
        take = (node.run, node.shot, node.attempt)
        takes[take] += node.seconds
        if node.stage in WHOLE:
            whole.add(take)
    seconds = sorted(takes[take] for take in whole)
    if not seconds:
        raise UsageError(
            f"the ledger here has no finished take of {model!r}",
            hint="build a shot with it first, or state --seconds-per-item",
        )
    low, likely, high = (pick_percentile(seconds, share) for share in (0.1, 0.5, 0.9))
    return Figure(*(Decimal(f"{value:.4f}") for value in (low, likely, high))), len(seconds)


def pick_percentile(ordered: list[float], share: float) -> float:
    """Of values in order, between neighbours in proportion."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
