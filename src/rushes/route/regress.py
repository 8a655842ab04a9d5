"""Versions of a model's stages that became slower, or fail more often, than the one before.

A version is what stands behind a stage: its own version, weights, numerics, toolchain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median
from typing import Literal

from rushes.ledger import NodeRow
from rushes.route.measured import pick_percentile

SLOWER = 1.2
"""A fifth: less is within what the same machine does from day to day."""

FEWEST = 3
"""Runs of each version, below which nothing is said of speed; failures of the new one."""

Z = 1.96
"""Of a normal distribution: 95 % of it lies within."""


@dataclass(frozen=True, slots=True)
class Regression:
    """What became worse. ``before`` and ``after``: a factor of seconds (1 and more), or shares."""

    model: str
    stage: str
    device: str
    what: Literal["slower", "more failures", "worse scores"]
    before: float
    after: float
    version: str
    since: float


def find_regressions(nodes: Iterable[NodeRow]) -> list[Regression]:
    """The latest version of each model's stage, against the one before it."""
    found: list[Regression] = []
    stages: dict[tuple[str, str], list[NodeRow]] = defaultdict(list)
    ordered = sorted(nodes, key=lambda n: n.started_at)
    verdicts = {
        (node.run, node.shot, node.attempt): node.passed
        for node in ordered
        if node.stage == "check" and node.passed is not None
    }
    for node in ordered:
        if node.model is not None and node.version:
            stages[node.model, node.stage].append(node)
    for (model, stage), rows in stages.items():
        versions = list(dict.fromkeys(row.version for row in rows))
        if len(versions) < 2:
            continue
        old = [row for row in rows if row.version == versions[-2]]
        new = [row for row in rows if row.version == versions[-1]]
        found += _compare_failures(model, stage, old, new)
        if stage in ("denoise", "generate"):
            found += _compare_verdicts(model, stage, old, new, verdicts)
        for device in dict.fromkeys(row.device for row in new if row.error is None):
            found += _compare_speed(model, stage, device, old, new)
    return found


def _compare_speed(
    model: str, stage: str, device: str, old: Sequence[NodeRow], new: Sequence[NodeRow]
) -> list[Regression]:
    """Shot by shot, so that longer clips are no slower version."""
    before, after = _seconds_by_shot(old, device), _seconds_by_shot(new, device)
    shots = [shot for shot in after if shot in before]
    counts = [sum(len(by[shot]) for shot in shots) for by in (before, after)]
    if min(counts) < FEWEST:
        return []
    ratios = [s / median(before[shot]) for shot in shots for s in after[shot]]
    usual = sorted(s / median(before[shot]) for shot in shots for s in before[shot])
    spread = pick_percentile(usual, 0.9)
    ratio = median(ratios)
    if ratio < SLOWER or ratio <= spread:
        return []
    since = min(row.started_at for row in new)
    return [Regression(model, stage, device, "slower", 1.0, ratio, new[0].version, since)]


def _seconds_by_shot(nodes: Sequence[NodeRow], device: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for node in nodes:
        whole = node.error is None and node.resumed_step is None
        if whole and node.device == device and node.seconds > 0:
            found[node.shot].append(node.seconds)
    return found


def _compare_failures(
    model: str, stage: str, old: Sequence[NodeRow], new: Sequence[NodeRow]
) -> list[Regression]:
    """Only where chance does not explain it: the intervals of both shares are apart."""
    bad = [sum(row.error is not None for row in rows) for rows in (old, new)]
    if (
        bad[1] < FEWEST
        or score_interval(bad[1], len(new))[0] <= score_interval(bad[0], len(old))[1]
    ):
        return []
    since = min(row.started_at for row in new)
    shares = bad[0] / len(old), bad[1] / len(new)
    return [Regression(model, stage, "", "more failures", *shares, new[0].version, since)]


def _compare_verdicts(
    model: str,
    stage: str,
    old: Sequence[NodeRow],
    new: Sequence[NodeRow],
    verdicts: Mapping[tuple[str, str, int], bool | None],
) -> list[Regression]:
    """Takes that checks refused, by version; only where chance does not explain it."""
    shares = []
    for rows in (old, new):
        takes = {(row.run, row.shot, row.attempt) for row in rows if row.error is None}
        judged = [verdicts[take] for take in takes if take in verdicts]
        shares.append((sum(not passed for passed in judged), len(judged)))
    (bad_old, all_old), (bad_new, all_new) = shares
    if bad_new < FEWEST or not all_old:
        return []
    if score_interval(bad_new, all_new)[0] <= score_interval(bad_old, all_old)[1]:
        return []
    since = min(row.started_at for row in new)
    found = bad_old / all_old, bad_new / all_new
    return [Regression(model, stage, "", "worse scores", *found, new[0].version, since)]


def score_interval(bad: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share: where it lies, given so many of so many."""
    share = bad / total
    middle = share + Z * Z / (2 * total)
    half = Z * sqrt(share * (1 - share) / total + Z * Z / (4 * total * total))
    whole = 1 + Z * Z / total
    return max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)
