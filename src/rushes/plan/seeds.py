"""Seeds of attempts and of stages, derived so that each can be pasted and gives the same take."""

from __future__ import annotations

from rushes.canon import digest_value

SEED_BITS = 53
"""Seeds stay exact in JSON and in every language's double."""


def attempt_seed(seed: int, attempt: int) -> int:
    """Attempt 0 uses the shot's seed as written; a later one a seed derived from it."""
    return seed if attempt == 0 else _derive("attempt", seed, attempt)


def stage_seed(seed: int, stage: str) -> int:
    """The seed of a stage of the attempt with ``seed``."""
    return _derive("stage", seed, stage)


def _derive(*parts: str | int) -> int:
    return int(digest_value(list(parts)), 16) >> (256 - SEED_BITS)
