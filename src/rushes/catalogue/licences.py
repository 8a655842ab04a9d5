"""Licences as data: what each permits, by whom, where, for what; and whether a use is covered.

One TOML file a licence, in our own words, with the place and day of reading. No legal advice.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

import msgspec
from msgspec import Struct

from rushes.catalogue.source import Licence
from rushes.catalogue.territory import find_excluded

ClauseKind = Literal[
    "revenue", "users", "territory", "field", "redistribution", "attribution", "output", "agreement"
]
Purpose = Literal["commercial", "research"]


class Clause(Struct, frozen=True, forbid_unknown_fields=True):
    """One condition, a sentence of our own. ``section`` where it stands; "" where not known."""

    kind: ClauseKind
    says: str
    section: str = ""


class Terms(Struct, frozen=True, forbid_unknown_fields=True):
    """What a licence permits.

    Args:
        sha256: of the text that was read; "" where none was kept.
        commercial: whether commercial use is licensed, only after registration, or not at all.
        fine_tune: whether weights may be trained further.
        revenue_usd_max: yearly revenue of the whole group from which use is not covered.
        users_max: the most monthly users, or visits where the licence counts those.
        excluded: territories in which nothing is licensed.
    """

    id: str
    name: str
    url: str
    checked: str
    commercial: Literal["yes", "registered", "no"]
    fine_tune: bool
    clauses: list[Clause]
    read: Literal["text", "second-hand"] = "text"
    sha256: str = ""
    revenue_usd_max: int | None = None
    users_max: int | None = None
    excluded: list[str] = []

    @property
    def is_free(self) -> bool:
        """Whether it sets no limit by revenue, users, territory or purpose."""
        limits = (self.revenue_usd_max, self.users_max, *self.excluded)
        return self.commercial == "yes" and all(limit is None for limit in limits)

    def quote(self, *kinds: ClauseKind) -> str:
        """The clauses of these kinds, or all where it has none, after the licence's name."""
        said = [c for c in self.clauses if c.kind in kinds] or self.clauses
        text = " ".join(f"§ {c.section}: {c.says}" if c.section else c.says for c in said)
        return f"{self.name}: {text}" if text else self.name


@dataclass(frozen=True, slots=True)
class Use:
    """Who uses a model, where, for what. None and empty: not stated, and then not judged.

    Args:
        allowed: ids of licences that may be used; None for all.
        revenue_usd: yearly revenue of the whole group.
        users: monthly users of what is made.
        territories: codes as :func:`rushes.catalogue.territory.read_territory` gives them.
        granted: ids of licences for which there is an agreement with their owner.
    """

    allowed: tuple[str, ...] | None = None
    revenue_usd: float | None = None
    users: int | None = None
    territories: tuple[str, ...] = ()
    purpose: Purpose | None = None
    fine_tune: bool = False
    granted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a licence does not cover a use. ``key``: what of :class:`Use` is at fault."""

    key: str
    reason: str
    clause: str


def licence_ids() -> list[str]:
    """Ids of all licences that are described, sorted."""
    entries = resources.files("rushes.catalogue").joinpath("licences").iterdir()
    return sorted(e.name.removesuffix(".toml") for e in entries if e.name.endswith(".toml"))


@cache
def read_terms(licence: str) -> Terms:
    """The terms of a described licence."""
    file = resources.files("rushes.catalogue").joinpath("licences", f"{licence}.toml")
    return msgspec.convert(tomllib.loads(file.read_text("utf-8")), Terms)


def find_terms(licence: Licence) -> list[Terms]:
    """The terms of an entry's licence, and of those that parts of its weights are under.

    What the entry itself says counts too: another limit or territory, or all of it where the
    licence is not described here.
    """
    others = [read_terms(name) for name in licence.also if name in licence_ids()]
    if licence.id not in licence_ids():
        return [_terms_of_entry(licence), *others]
    terms = read_terms(licence.id)
    revenue = [r for r in (terms.revenue_usd_max, licence.revenue_usd_max) if r is not None]
    said = msgspec.structs.replace(
        terms,
        revenue_usd_max=min(revenue, default=None),
        excluded=list(dict.fromkeys([*terms.excluded, *licence.excluded])),
    )
    return [said, *others]


def _terms_of_entry(licence: Licence) -> Terms:
    return Terms(
        id=licence.id,
        name=licence.name,
        url=licence.url,
        checked=licence.checked,
        commercial="yes",
        fine_tune=True,
        clauses=[Clause("agreement", term) for term in licence.terms],
        read=licence.read,
        revenue_usd_max=licence.revenue_usd_max,
        excluded=licence.excluded,
    )


def judge_licence(licence: Licence, use: Use) -> Objection | None:
    """The first reason why an entry's licences do not cover a use; None where they do."""
    missing = [] if use.allowed is None else [i for i in licence.ids if i not in use.allowed]
    if missing:
        return Objection(
            "licences",
            f"is under {' and '.join(licence.ids)}; {' and '.join(missing)} is not allowed",
            f"allowed: {', '.join(use.allowed or ()) or 'none'}",
        )
    found = (judge_terms(terms, use) for terms in find_terms(licence))
    return next((objection for objection in found if objection is not None), None)


def judge_terms(terms: Terms, use: Use) -> Objection | None:
    """The first reason why one licence's terms do not cover a use; None where they do."""
    if terms.id in use.granted:
        return None
    where = find_excluded(use.territories, terms.excluded)
    if where is not None:
        return Objection("territory", f"is not licensed in {where}", terms.quote("territory"))
    return _judge_size(terms, use) or _judge_purpose(terms, use)


def _judge_size(terms: Terms, use: Use) -> Objection | None:
    revenue, users = terms.revenue_usd_max, terms.users_max
    if revenue is not None and use.revenue_usd is not None and use.revenue_usd >= revenue:
        reason = (
            f"is free below {revenue:,} USD of yearly revenue, and {use.revenue_usd:,.0f} is stated"
        )
        return Objection("revenue_usd", reason, terms.quote("revenue"))
    if users is not None and use.users is not None and use.users > users:
        reason = f"is licensed up to {users:,} monthly users, and {use.users:,} are stated"
        return Objection("users", reason, terms.quote("users"))
    return None


def _judge_purpose(terms: Terms, use: Use) -> Objection | None:
    if use.purpose == "commercial" and terms.commercial == "no":
        return Objection("purpose", "is not licensed for commercial use", terms.quote("agreement"))
    if use.fine_tune and not terms.fine_tune:
        return Objection("fine_tune", "may not be trained further", terms.quote("redistribution"))
    return None
