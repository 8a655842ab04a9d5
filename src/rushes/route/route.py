"""Where a request would go: open models first, paid ones with consent, and why not the others.

This is planning: nothing is called, and nothing leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from rushes.catalogue.hosted import HostedModel, read_hosted
from rushes.catalogue.prices import PriceLine
from rushes.route.choose import Candidate, Exclusion, choose_models
from rushes.route.figures import Figure
from rushes.route.question import Question

Paid = Literal["never", "ask", "fallback"]


@dataclass(frozen=True, slots=True)
class Consent:
    """What the policy says of paid models.

    Args:
        providers: who may be paid, and be sent the prompt.
        budget: the most that one request may cost, in USD.
    """

    paid: Paid = "never"
    providers: tuple[str, ...] = ()
    budget: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Request:
    """One thing to be made or answered. ``seconds`` of video in it, where that is known."""

    name: str
    question: Question
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """A model that the request may go to.

    Args:
        usd: expected; 0 for a card of one's own.
        seconds: expected of computing; None where nothing is known.
        time: where ``seconds`` comes from: measured, at least (the planner's floor), or unknown.
        reason: of a paid one: capability, qa, queue, class, or stated; "" of an open one.
    """

    model: str
    kind: Literal["open", "paid"]
    usd: Decimal
    seconds: Decimal | None
    time: Literal["measured", "at least", "unknown"]
    why: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """The options in the order in which they would be tried, and what is none."""

    request: Request
    options: tuple[Option, ...]
    excluded: tuple[Exclusion, ...]


def route_request(
    request: Request,
    consent: Consent,
    prices: Mapping[str, PriceLine],
    measured: Mapping[str, Figure],
) -> Route:
    """Judge every model for a request.

    Args:
        measured: seconds of a take, by model, from a ledger.
    """
    selection = choose_models(request.question)
    options = [_offer_open(candidate, measured) for candidate in selection.candidates]
    hosted = {model.name for model in read_hosted()}
    excluded = [e for e in selection.excluded if e.model not in hosted]
    has_open = bool(options)
    for model in read_hosted():
        if request.question.task not in model.tasks:
            continue
        usd = _price(model, request, prices)
        problem = _exclude_hosted(model, request, consent, usd)
        if problem is not None:
            excluded.append(Exclusion(model.name, *problem))
            continue
        assert usd is not None
        why = _say_paid(consent, has_open=has_open)
        options.append(Option(model.name, "paid", usd, None, "unknown", why))
    stated = request.question.stated
    options.sort(key=lambda o: (o.kind == "paid", o.model != stated, o.usd))
    return Route(request, tuple(options), tuple(excluded))


def _offer_open(candidate: Candidate, measured: Mapping[str, Figure]) -> Option:
    name = candidate.offer.name
    if name in measured:
        return Option(name, "open", Decimal(0), measured[name].likely, "measured", candidate.why)
    floor = None if candidate.fit is None else candidate.fit.floor_seconds
    if floor is None:
        return Option(name, "open", Decimal(0), None, "unknown", candidate.why)
    return Option(name, "open", Decimal(0), Decimal(f"{floor:.1f}"), "at least", candidate.why)


def _price(model: HostedModel, request: Request, prices: Mapping[str, PriceLine]) -> Decimal | None:
    """USD of the request; None where its length is not known, or the price."""
    line = prices.get(model.price)
    if line is None or line.per == "hour":
        return None
    if line.per == "item":
        return line.amount
    return None if request.seconds is None else line.amount * Decimal(str(request.seconds))


def _exclude_hosted(
    model: HostedModel, request: Request, consent: Consent, usd: Decimal | None
) -> tuple[str, str] | None:
    """The first reason against a hosted model, and its clause."""
    question = request.question
    if model.gone:
        return f"is gone since {model.gone}", f"{model.provider} closed it on {model.gone}"
    if question.data_stays:
        return f"would send data to {model.provider}", "--data-stays"
    if consent.paid == "never":
        return "is paid", 'policy.paid = "never"'
    if model.provider not in consent.providers:
        named = ", ".join(consent.providers) or "none"
        return f"is {model.provider}'s, to whom nothing may be paid", f"policy.providers: {named}"
    if lack := _find_lack(model, request):
        return lack
    if usd is None:
        return "has no price for this request", "name its length with --seconds, or a price"
    if usd > consent.budget:
        return f"costs {usd:.2f} USD", f"policy.budget_usd = {consent.budget}"
    return None


def _find_lack(model: HostedModel, request: Request) -> tuple[str, str] | None:
    question = request.question
    if question.sound and not model.sound:
        return "makes no sound", "--sound"
    for control in question.controls:
        if control not in model.controls:
            return f"cannot be given {control}", f"--controls {control}"
    longest = max(filter(None, (request.seconds, question.max_seconds)), default=None)
    if longest is not None and model.max_seconds is not None and longest > model.max_seconds:
        return f"makes at most {model.max_seconds:g} s", f"{longest:g} s are asked for"
    if question.use.fine_tune:
        return "cannot be trained further here", "--fine-tune"
    return None


def _say_paid(consent: Consent, *, has_open: bool) -> str:
    reason = "only after open models failed" if has_open else "no open model qualifies"
    asked = "; you are asked first" if consent.paid == "ask" else ""
    return f"{reason}{asked}"


def list_routes(
    requests: Iterable[Request],
    consent: Consent,
    prices: Mapping[str, PriceLine],
    measured: Mapping[str, Figure],
) -> list[Route]:
    """The route of every request."""
    return [route_request(request, consent, prices, measured) for request in requests]
