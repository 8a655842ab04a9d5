"""Whether an offer fits the cards, by the planner's own figures, and how fast it could be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from rushes.catalogue.device import Device, find_device
from rushes.catalogue.footprint import find_footprint
from rushes.catalogue.load import find_model
from rushes.catalogue.model import Model
from rushes.catalogue.text import TextEntry
from rushes.plan.memory.choose import Chooser, numerics_of
from rushes.plan.memory.demand import find_demands
from rushes.plan.memory.language import FORMATS, predict_language
from rushes.plan.memory.predict import EFFICIENCY
from rushes.plan.memory.standard import list_nodes, standard_shot
from rushes.route.offers import Offer
from rushes.route.question import REFERENCE, Question

ANSWER_TOKENS = 8192
"""Of context that a text model is planned with: a long prompt and its answer."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How an offer would run on a card of the question's.

    Args:
        peak: bytes it takes of each card at least; None where nothing is known.
        how: in words.
        floor_seconds: an item cannot take less on one card: its arithmetic at all that the card is
            said to do; None where that is not known.
    """

    fits: bool
    peak: int | None
    how: str
    floor_seconds: float | None = None


def find_fit(offer: Offer, question: Question) -> Fit | None:
    """How the offer fits the question's cards; None where hardware was not asked about."""
    device = question.device or find_device(REFERENCE)
    limit = question.vram if question.vram is not None else device.memory_bytes
    if question.vram is None and question.device is None:
        return None
    if isinstance(offer.entry, Model):
        return _fit_generator(offer.name, device.name, limit)
    if isinstance(offer.entry, TextEntry):
        return _fit_text(offer.entry, device, limit, question.gpus)
    weights = sum(part.nbytes for part in offer.entry.parts)
    peak = weights + device.overhead_bytes
    return Fit(peak <= limit, peak, f"{_gb(peak)} of weights and overhead, its context besides")


def _fit_text(entry: TextEntry, device: Device, limit: int, gpus: int) -> Fit:
    tokens = min(entry.context, ANSWER_TOKENS)
    needs = [
        predict_language(entry.parameters, entry.cache_bytes_per_token, tokens, device, n, name)
        for name in FORMATS
        for n in range(1, gpus + 1)
    ]
    fitting = [need for need in needs if need.peak <= limit]
    need = fitting[0] if fitting else min(needs, key=lambda n: n.peak)
    cards = "one card" if need.gpus == 1 else f"each of {need.gpus} cards"
    how = f"{_gb(need.peak)} of {cards} in {need.format} with {tokens} tokens of context"
    return Fit(bool(fitting), need.peak, how)


@cache
def _fit_generator(name: str, card: str, limit: int) -> Fit:
    """The standard clip of a generator, in the fastest of all numerics and placements that fit."""
    model = find_model(name)
    if find_footprint(model) is None:
        return Fit(True, None, "not known: its memory was never traced")
    demands = find_demands(list_nodes(standard_shot(model)), {model.id: model})
    chooser = Chooser(find_device(card), limit)
    best: tuple[float, int, str] | None = None
    least: int | None = None
    for demand in demands.models:
        for numerics in numerics_of(demand.footprint):
            choices = chooser.choose([demand], {demand.model: numerics})
            taken = [(choices[demand.model, task].taken, n) for task, n in demand.tasks]
            peak = max(candidate.prediction.peak for candidate, _ in taken)
            least = peak if least is None else min(least, peak)
            if not all(candidate.fits for candidate, _ in taken):
                continue
            seconds = sum(candidate.prediction.seconds * n for candidate, n in taken)
            said = ", ".join(sorted({f"{part} {how}" for part, how in numerics.items()}))
            if best is None or seconds < best[0]:
                best = (seconds, peak, said)
    if best is None:
        return Fit(False, least, f"{'?' if least is None else _gb(least)} at least")
    seconds, peak, said = best
    clip = f"{model.defaults.size}, {model.defaults.frames} frames"
    how = f"{_gb(peak)} predicted for {clip}" + (f" ({said})" if said else "")
    return Fit(True, peak, how, seconds * EFFICIENCY)


def _gb(nbytes: int) -> str:
    return f"{nbytes / 1e9:.1f} GB"
