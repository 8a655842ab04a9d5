"""Licences as data: true to themselves, to the entries, and to what a use states."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.catalogue.benchmarks import read_benchmarks
from rushes.catalogue.hosted import read_hosted
from rushes.catalogue.licences import (
    Use,
    find_terms,
    judge_licence,
    licence_ids,
    read_terms,
)
from rushes.catalogue.load import find_model, model_names
from rushes.catalogue.source import Licence
from rushes.catalogue.territory import COUNTRIES, EU, find_excluded, read_territory
from rushes.catalogue.text import read_text_entry, text_names
from rushes.errors import UsageError

LTX = find_model("ltx-2").licence
HUNYUAN = find_model("hunyuan-video").licence


@pytest.mark.parametrize("name", licence_ids())
def test_a_licence_says_where_and_when_it_was_read(name: str) -> None:
    terms = read_terms(name)
    assert terms.id == name
    assert terms.url.startswith("https://")
    assert len(terms.checked) == 10
    assert all(clause.says.endswith(".") for clause in terms.clauses)
    kinds = {clause.kind for clause in terms.clauses}
    limits = {
        "revenue": terms.revenue_usd_max,
        "users": terms.users_max,
        "territory": terms.excluded or None,
        "agreement": None if terms.commercial == "yes" else terms.commercial,
    }
    assert {kind for kind, limit in limits.items() if limit is not None} <= kinds


def test_the_hash_of_a_text_is_that_of_the_text(repository: Path) -> None:
    text = (repository / "LICENSE").read_bytes()
    assert read_terms("apache-2.0").sha256 == hashlib.sha256(text).hexdigest()


@pytest.mark.parametrize("name", model_names())
def test_entries_and_licences_say_the_same(name: str) -> None:
    licence = find_model(name).licence
    terms = read_terms(licence.id)
    assert terms.revenue_usd_max == licence.revenue_usd_max
    assert terms.excluded == licence.excluded


@pytest.mark.parametrize("name", text_names())
def test_text_models_stand_under_described_licences(name: str) -> None:
    entry = read_text_entry(name)
    assert entry.name == name
    assert entry.licence.id in licence_ids()
    assert entry.active_parameters < entry.parameters


@pytest.mark.parametrize(
    ("use", "key"),
    [
        (Use(), None),
        (Use(revenue_usd=9_999_999.99), None),
        (Use(revenue_usd=10_000_000), "revenue_usd"),
        (Use(revenue_usd=10**9, granted=("ltx-2-community",)), None),
        (Use(revenue_usd=10**9, allowed=("apache-2.0",)), "licences"),
        (Use(allowed=("ltx-2-community",)), None),
        (Use(allowed=()), "licences"),
    ],
)
def test_the_threshold_of_ltx(use: Use, key: str | None) -> None:
    objection = judge_licence(LTX, use)
    assert (objection and objection.key) == key
    if key == "revenue_usd":
        assert objection is not None
        assert "10 million USD" in objection.clause


@pytest.mark.parametrize(
    ("use", "key"),
    [
        (Use(users=100_000_000), None),
        (Use(users=100_000_001), "users"),
        (Use(territories=("US", "JP")), None),
        (Use(territories=("US", "DE")), "territory"),
        (Use(territories=("EU",)), "territory"),
        (Use(territories=("GB",)), "territory"),
        (Use(territories=("WORLD",)), "territory"),
    ],
)
def test_territory_and_users_of_hunyuan(use: Use, key: str | None) -> None:
    objection = judge_licence(HUNYUAN, use)
    assert (objection and objection.key) == key


def test_research_alone_is_not_commercial() -> None:
    licence = read_text_entry("qwen2.5-coder-3b").licence
    objection = judge_licence(licence, Use(purpose="commercial"))
    assert objection is not None
    assert objection.key == "purpose"
    assert judge_licence(licence, Use(purpose="research")) is None


def test_parts_under_another_licence_count() -> None:
    licence = msgspec.structs.replace(find_model("sprite").licence, also=["qwen"])
    assert judge_licence(licence, Use(allowed=("apache-2.0",))) is not None
    assert judge_licence(licence, Use(allowed=("apache-2.0", "qwen"))) is None
    objection = judge_licence(licence, Use(users=10**9))
    assert objection is not None
    assert objection.clause.startswith("Qwen")


def test_a_licence_that_is_not_described_is_what_the_entry_says() -> None:
    licence = Licence(
        "own", "Own", "https://x", "2026-11-21", revenue_usd_max=5, terms=["Be nice."]
    )
    (terms,) = find_terms(licence)
    assert terms.revenue_usd_max == 5
    objection = judge_licence(licence, Use(revenue_usd=5))
    assert objection is not None
    assert objection.clause == "Own: Be nice."


@given(
    st.sampled_from([find_model(name).licence for name in model_names()]),
    st.floats(0, 1e9),
    st.floats(0, 1e9),
    st.integers(0, 10**9),
    st.integers(0, 10**9),
)
def test_less_revenue_and_fewer_users_are_never_refused_more(
    licence: Licence, one: float, other: float, few: int, many: int
) -> None:
    low, high = sorted((one, other))
    few, many = sorted((few, many))
    if judge_licence(licence, Use(revenue_usd=high, users=many)) is None:
        assert judge_licence(licence, Use(revenue_usd=low, users=few)) is None


@given(st.sets(st.sampled_from(sorted(COUNTRIES))), st.sets(st.sampled_from(sorted(COUNTRIES))))
def test_excluded_territories(used: set[str], left_out: set[str]) -> None:
    assert (find_excluded(used, left_out) is None) == (not used & left_out)
    assert (find_excluded(["EU"], left_out) is None) == (not EU & left_out)
    assert (find_excluded(["WORLD"], left_out) is None) == (not left_out)


def test_territories_as_people_write_them() -> None:
    assert read_territory("uk") == "GB"
    assert read_territory(" eu ") == "EU"
    with pytest.raises(UsageError, match="no territory 'Europe'"):
        read_territory("Europe")
    assert len(EU) == 27
    assert len(COUNTRIES) == 249


def test_figures_have_a_source_and_a_date() -> None:
    for benchmark in read_benchmarks():
        assert benchmark.noise > 0
        names = [figure.model for figure in benchmark.figures]
        assert len(set(names)) == len(names)
        for figure in benchmark.figures:
            assert figure.source
            assert figure.date[:2] == "20"
            assert 0 < figure.score <= 100


def test_hosted_sora_is_gone() -> None:
    hosted = {model.name: model for model in read_hosted()}
    assert hosted["sora-2"].gone == hosted["sora-2-pro"].gone == "2026-09-24"
