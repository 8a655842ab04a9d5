"""The selection sheet: a page to print, for the meeting in which a model is chosen."""

from __future__ import annotations

from html import escape
from importlib import resources
from string import Template

from rushes.route.choose import Candidate, Selection
from rushes.route.question import Question

POINTS = ((10, "9"), (18, "7.5"), (28, "6"), (40, "5"))
"""Rows of the two tables, and the size of type with which A4 holds them."""

NOTICE = "No legal advice: terms are in our own words, and licences change. Read the licence."


def list_answers(question: Question) -> list[tuple[str, str]]:
    """What was asked, for people; what was not stated is said to be so."""
    use = question.use
    limit = "not asked about"
    if question.vram is not None:
        limit = f"{question.vram / 1e9:g} GB on each of {question.gpus}"
    elif question.device is not None:
        limit = f"{question.gpus}"
    card = question.device.title if question.device else "not named"
    wanted = question.seconds_an_item
    return [
        ("task", question.task),
        ("licences allowed", "all" if use.allowed is None else ", ".join(use.allowed)),
        ("yearly revenue", _say(use.revenue_usd, "{:,.0f} USD")),
        ("monthly users", _say(use.users, "{:,}")),
        ("territory", ", ".join(use.territories) or "not stated"),
        ("purpose", use.purpose or "not stated"),
        ("agreements with owners", ", ".join(use.granted) or "none"),
        ("data stays in the building", "yes" if question.data_stays else "not asked for"),
        ("trained further", "yes" if use.fine_tune else "not asked for"),
        ("memory of the cards", limit),
        ("card", card),
        ("sound", "yes" if question.sound else "not asked for"),
        ("given besides a prompt", ", ".join(question.controls) or "nothing"),
        ("longest clip", _say(question.max_seconds, "{:g} s")),
        ("volume", _say(question.volume, "{:,} a month")
         + ("" if wanted is None else f", one every {wanted:.1f} s")),
    ]  # fmt: skip


def draw_sheet(selection: Selection, day: str) -> str:
    """The page, self-contained, for A4.

    Args:
        day: on which it was drawn, YYYY-MM-DD.
    """
    page = resources.files("rushes.route").joinpath("sheet.html").read_text("utf-8")
    answers = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(said)}</dd></div>"
        for name, said in list_answers(selection.question)
    )
    rows = [_draw_candidate(n, c) for n, c in enumerate(selection.candidates, start=1)]
    out = [
        f"<tr><th>{escape(e.model)}</th><td>{escape(e.reason)}</td><td>{escape(e.clause)}</td></tr>"
        for e in selection.excluded
    ]
    return Template(page).substitute(
        day=escape(day),
        points=_choose_points(len(rows) + len(out)),
        task=escape(selection.question.task),
        answers=answers,
        tries=escape(" and ".join(selection.tries)) or "nothing is left to try",
        candidates="".join(rows) or '<tr><td colspan="4">none</td></tr>',
        excluded="".join(out) or '<tr><td colspan="3">none</td></tr>',
        sources="".join(f"<li>{escape(line)}</li>" for line in list_sources(selection)),
        notice=escape(NOTICE),
    )


def _choose_points(rows: int) -> str:
    """Of the type, in print, so that a page holds the rows."""
    return next((size for most, size in POINTS if rows <= most), POINTS[-1][1])


def _draw_candidate(number: int, candidate: Candidate) -> str:
    licences = "<br>".join(
        f'<a href="{escape(terms.url)}">{escape(terms.name)}</a>, read {escape(terms.checked)}'
        for terms in candidate.offer.terms
    )
    return (
        f"<tr><td>{number}</td><th>{escape(candidate.offer.name)}</th>"
        f"<td>{escape(candidate.why)}</td><td>{licences}</td></tr>"
    )


def list_sources(selection: Selection) -> list[str]:
    """Where the candidates' figures stand, one line each."""
    return [
        f"{s.benchmark.name}, {c.offer.name}: {s.figure.score:g}, {s.figure.source}, "
        f"{s.figure.date}" + (", second-hand" if s.figure.read == "second-hand" else "")
        for c in selection.candidates
        for s in c.standings
    ]


def _say(value: float | None, form: str) -> str:
    return "not stated" if value is None else form.format(value)
