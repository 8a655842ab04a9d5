"""Routing: open first, paid with consent alone, a reason for the rest, and more is never less."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rushes.catalogue.licences import Use, licence_ids
from rushes.catalogue.prices import read_prices
from rushes.errors import UsageError
from rushes.route.figures import Figure
from rushes.route.question import Question, Task
from rushes.route.requests import read_consent, read_requests
from rushes.route.route import Consent, Paid, Request, Route, route_request
from rushes.spec.resolve import load_project

GB = 10**9
PRICES = read_prices()
PAID: tuple[Paid, ...] = ("never", "ask", "fallback")
LOUD = Question("generate", Use(revenue_usd=2e7), sound=True)
ALLOWED = Consent("fallback", ("google",), Decimal(3))


def route(question: Question, consent: Consent, seconds: float | None = 5.0) -> Route:
    return route_request(Request("r", question, seconds), consent, PRICES, {})


def names(found: Route) -> list[str]:
    return [option.model for option in found.options]


def test_open_models_come_first_and_paid_ones_only_after_they_failed() -> None:
    found = route(Question("generate"), ALLOWED)
    kinds = [option.kind for option in found.options]
    assert kinds == sorted(kinds)
    assert names(found)[-2:] == ["veo-3.1-fast", "veo-3.1"]
    assert all(o.why == "only after open models failed" for o in found.options[-2:])
    assert [o.usd for o in found.options[-2:]] == [Decimal("0.75"), Decimal(2)]
    assert all(o.usd == 0 for o in found.options[:-2])


def test_a_missing_capability_is_a_reason_of_its_own() -> None:
    found = route(LOUD, replace(ALLOWED, paid="ask"))
    assert names(found) == ["veo-3.1-fast", "veo-3.1"]
    assert found.options[0].why == "no open model qualifies; you are asked first"


@pytest.mark.parametrize(
    ("question", "consent", "seconds", "words"),
    [
        (LOUD, Consent(), 5.0, "is paid"),
        (LOUD, Consent("ask", (), Decimal(9)), 5.0, "nothing may be paid"),
        (LOUD, Consent("ask", ("openai",), Decimal(9)), 5.0, "nothing may be paid"),
        (LOUD, replace(ALLOWED, budget=Decimal("1.99")), 5.0, "costs 2.00 USD"),
        (LOUD, ALLOWED, None, "no price"),
        (LOUD, ALLOWED, 9.0, "at most 8 s"),
        (replace(LOUD, data_stays=True), ALLOWED, 5.0, "would send data"),
        (replace(LOUD, controls=("depth",)), ALLOWED, 5.0, "cannot be given depth"),
        (replace(LOUD, use=Use(fine_tune=True)), ALLOWED, 5.0, "cannot be trained"),
    ],
)
def test_why_a_hosted_model_is_none(
    question: Question, consent: Consent, seconds: float | None, words: str
) -> None:
    found = route(question, consent, seconds)
    reasons = {e.model: e.reason for e in found.excluded}
    assert words in reasons["veo-3.1"]
    assert "veo-3.1" not in names(found)
    assert reasons["sora-2"] == "is gone since 2026-09-24"


def test_time_is_measured_where_it_was_and_a_floor_where_not() -> None:
    asked = Request("r", Question("generate", vram=24 * GB), 5.0)
    seconds = Figure(Decimal(1), Decimal(2), Decimal(3))
    found = route_request(asked, Consent(), PRICES, {"ltx-2": seconds})
    times = {option.model: option for option in found.options}
    assert (times["ltx-2"].seconds, times["ltx-2"].time) == (2, "measured")
    assert times["wan-2.1-14b"].time == "at least"
    assert times["wan-2.1-vace-14b"].time == "at least"


consents = st.builds(
    Consent,
    st.sampled_from(PAID),
    st.sampled_from([(), ("google",), ("openai", "google")]),
    st.decimals(0, 10, places=2),
)
tasks = st.sampled_from(["generate", "understand", "reason", "code"])


@settings(max_examples=60, deadline=None)
@given(
    tasks,
    consents,
    st.decimals(0, 10, places=2),
    st.sampled_from(PAID),
    st.integers(2, 100),
    st.integers(0, 60),
    st.lists(st.sampled_from(licence_ids())),
    st.lists(st.sampled_from(licence_ids())),
    st.floats(0.5, 12),
)
def test_more_budget_consent_memory_or_licences_never_remove_an_option(
    task: Task,
    consent: Consent,
    more: Decimal,
    paid: Paid,
    vram: int,
    extra: int,
    licences: list[str],
    others: list[str],
    seconds: float,
) -> None:
    use = Use(allowed=tuple(licences), revenue_usd=2e7)
    question = Question(task, use, vram=vram * GB)
    less = route(question, consent, seconds)
    wider = Consent(
        max(consent.paid, paid, key=PAID.index),
        (*consent.providers, "google"),
        consent.budget + more,
    )
    larger = replace(
        question,
        vram=(vram + extra) * GB,
        use=replace(use, allowed=(*licences, *others)),
    )
    assert set(names(less)) <= set(names(route(larger, wider, seconds)))


PROJECT = """
[project]
name = "p"
model = "sprite"
vram = "20GB"
[policy]
paid = "fallback"
providers = ["google"]
budget_usd = 0.5
[shots.one]
prompt = "a ball"
[shots.two]
prompt = "a ball"
audio = "none"
"""


def test_shots_are_requests_and_the_policy_is_the_consent(tmp_path: Path) -> None:
    (tmp_path / "rushes.toml").write_text(PROJECT)
    project = load_project(tmp_path)
    consent = read_consent(project)
    assert consent == Consent("fallback", ("google",), Decimal("0.5"))
    one, two = read_requests(project, (), None, None)
    assert (one.question.sound, two.question.sound) == (True, False)
    assert one.question.vram == 20 * GB
    assert two.question.controls == ()
    assert one.seconds == pytest.approx(33 / 16, abs=0.001)
    found = route_request(one, consent, PRICES, {})
    assert names(found)[0] == "sprite", "what the project states comes first"
    assert "veo-3.1-fast" in names(found)
    assert "veo-3.1" not in names(found), "2.06 s at 0.40 USD is over the budget"
    with pytest.raises(UsageError, match="no shot 'three'"):
        read_requests(project, ("three",), None, None)
