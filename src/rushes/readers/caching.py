"""What a model remembers of a clip, and forgetting what came after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def keep_states(cache: Any) -> list[tuple[Any, dict[str, Any]]]:
    """Copies of the states of layers that have one of fixed size in the place of keys and values:
    what such a layer took in cannot be cut off again."""
    kept = []
    for layer in cache.layers:
        if hasattr(layer, "recurrent_states"):
            names = ("conv_states", "recurrent_states")
            kept.append((layer, {name: _copy(getattr(layer, name)) for name in names}))
    return kept


def _copy(states: Mapping[int, Any]) -> dict[int, Any]:
    return {k: None if state is None else state.clone() for k, state in states.items()}


def rewind(cache: Any, length: int, states: list[tuple[Any, dict[str, Any]]]) -> None:
    """Make a cache forget what came after its first ``length`` tokens."""
    special = {id(layer) for layer, _ in states}
    surplus = cache.get_seq_length() - length
    for layer in cache.layers:
        if id(layer) not in special and surplus > 0:
            layer.crop(-surplus)
    for layer, kept in states:
        for name, value in kept.items():
            setattr(layer, name, _copy(value))
