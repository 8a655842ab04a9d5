"""A shortlist: licence first, then what the models can do, then the cards, then benchmarks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rushes.catalogue.benchmarks import Benchmark, Figure, read_benchmarks
from rushes.catalogue.hosted import read_hosted
from rushes.catalogue.licences import Use, judge_licence
from rushes.route.abilities import find_lack
from rushes.route.hardware import Fit, find_fit
from rushes.route.offers import Offer, list_offers
from rushes.route.question import Question

TRIES = 2


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A model that is not on the list. ``clause``: of its licence, or of the question."""

    model: str
    reason: str
    clause: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a figure stands among those of the other candidates.

    Args:
        behind: points behind the best of them; 0 for the best.
        ties: whether that is within the scale's noise.
    """

    benchmark: Benchmark
    figure: Figure
    behind: float
    ties: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that may be used and, as far as is known, fits."""

    offer: Offer
    fit: Fit | None
    standings: tuple[Standing, ...]
    why: str

    @property
    def is_behind(self) -> bool:
        """Whether every figure that it has is clearly below that of another candidate."""
        return bool(self.standings) and not any(s.ties for s in self.standings)


@dataclass(frozen=True, slots=True)
class Selection:
    """The answer: candidates in order, what is not among them and why, and the two to try."""

    question: Question
    candidates: tuple[Candidate, ...]
    excluded: tuple[Exclusion, ...]

    @property
    def tries(self) -> tuple[str, ...]:
        return tuple(candidate.offer.name for candidate in self.candidates[:TRIES])


def choose_models(question: Question, offers: Sequence[Offer] | None = None) -> Selection:
    """Everything that there is for the question's task, judged.

    Args:
        offers: to choose among; None for the whole catalogue.
    """
    excluded: list[Exclusion] = []
    left: list[tuple[Offer, Fit | None]] = []
    for offer in list_offers(question.task) if offers is None else offers:
        fit = find_fit(offer, question)
        problem = _exclude(offer, fit, question)
        if problem is None:
            left.append((offer, fit))
        else:
            excluded.append(Exclusion(offer.name, *problem))
    excluded += _exclude_hosted(question)
    names = [offer.name for offer, _ in left]
    candidates = [_judge_candidate(offer, fit, names, question) for offer, fit in left]
    return Selection(question, tuple(sorted(candidates, key=_rank)), tuple(excluded))


def _exclude(offer: Offer, fit: Fit | None, question: Question) -> tuple[str, str] | None:
    """The first reason against an offer, and its clause."""
    if offer.is_embedded and offer.name != question.stated:
        reason = "is a miniature that travels in the package, to try a pipeline with"
        return reason, " ".join(offer.entry.limits[:1])
    if objection := judge_licence(offer.licence, question.use):
        return objection.reason, objection.clause
    if lack := find_lack(offer, question):
        return lack
    if fit is not None and not fit.fits:
        assert question.vram is not None or question.device is not None
        return f"does not fit: {fit.how}", _name_cards(question)
    return _exclude_slow(fit, question)


def _exclude_slow(fit: Fit | None, question: Question) -> tuple[str, str] | None:
    wanted = question.seconds_an_item
    if wanted is None or question.device is None or fit is None or fit.floor_seconds is None:
        return None
    floor = fit.floor_seconds / question.gpus
    if floor <= wanted:
        return None
    reason = f"is too slow: {_name_cards(question)} cannot make one in less than {floor:.1f} s"
    return reason, f"--volume {question.volume}/month: one every {wanted:.1f} s"


def _name_cards(question: Question) -> str:
    device = question.device.name if question.device else "card"
    size = "" if question.vram is None else f" with --vram {question.vram / 1e9:g}GB"
    return f"{question.gpus} x {device}{size}"


def _exclude_hosted(question: Question) -> Iterable[Exclusion]:
    for model in read_hosted():
        if question.task not in model.tasks:
            continue
        if model.gone:
            clause = f"{model.provider} closed it on {model.gone}"
            yield Exclusion(model.name, f"is gone since {model.gone}", clause)
        elif question.data_stays:
            yield Exclusion(model.name, f"would send data to {model.provider}", "--data-stays")
        else:
            clause = "a shortlist of open weights; rushes cost compares them with an API"
            yield Exclusion(model.name, f"is hosted by {model.provider}, and paid", clause)


def _judge_candidate(
    offer: Offer, fit: Fit | None, names: Sequence[str], question: Question
) -> Candidate:
    standings = tuple(find_standings(offer.name, names, question.task))
    parts = [_say_licence(offer, question.use)]
    if fit is not None:
        parts.append(f"memory: {fit.how}")
    parts += [_say_standing(standing) for standing in standings]
    if not standings:
        video = question.task in ("generate", "understand")
        parts.append("no video benchmark on record" if video else "no benchmark is compared")
    return Candidate(offer, fit, standings, "; ".join(parts))


def find_standings(name: str, among: Sequence[str], task: str) -> Iterable[Standing]:
    """A model's figures, each beside the best of those it is compared with."""
    for benchmark in read_benchmarks():
        figure = benchmark.find(name)
        if benchmark.task != task or figure is None:
            continue
        others = [found.score for other in among if (found := benchmark.find(other))]
        behind = max([*others, figure.score]) - figure.score
        yield Standing(benchmark, figure, behind, behind <= benchmark.noise + 1e-9)


def _say_licence(offer: Offer, use: Use) -> str:
    heard = " (second-hand)" if offer.licence.read == "second-hand" else ""
    said = [f"licence {' and '.join(offer.licence.ids)}{heard}"]
    for terms in offer.terms:
        if terms.id in use.granted:
            said.append("by your agreement with its owner")
            continue
        if terms.revenue_usd_max is not None:
            unsaid = " (state --revenue)" if use.revenue_usd is None else ""
            said.append(f"free below {terms.revenue_usd_max:,} USD of yearly revenue{unsaid}")
        if terms.users_max is not None:
            unsaid = " (state --users)" if use.users is None else ""
            said.append(f"up to {terms.users_max:,} monthly users{unsaid}")
        if terms.excluded:
            unsaid = " (state --territory)" if not use.territories else ""
            said.append(f"not in {', '.join(terms.excluded)}{unsaid}")
        if terms.commercial == "registered":
            said.append("commercial use has to be registered")
    if any(terms.read == "second-hand" for terms in offer.terms):
        said.append("its text was not read here")
    return ", ".join(said)


def _say_standing(standing: Standing) -> str:
    name, score = standing.benchmark.name, f"{standing.figure.score:g}"
    if standing.behind == 0:
        return f"{name} {score}, the best of these"
    gap = f"{standing.behind:.2g} behind the best"
    if standing.ties:
        return f"{name} {score}, {gap}: a tie (noise {standing.benchmark.noise:g})"
    return f"{name} {score}, {gap}"


def _rank(candidate: Candidate) -> tuple[bool, bool, bool, bool, int, str]:
    """Not clearly behind first; of ties what is known to fit, the freer licence, one whose text was
    read, the larger model. A model without a figure is not behind."""
    offer, fit = candidate.offer, candidate.fit
    return (
        candidate.is_behind,
        fit is not None and fit.peak is None,
        not all(terms.is_free for terms in offer.terms),
        "second-hand" in (offer.licence.read, *(terms.read for terms in offer.terms)),
        -offer.parameters,
        offer.name,
    )
