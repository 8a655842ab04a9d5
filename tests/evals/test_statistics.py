"""The statistics of evaluations, held to scipy's."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from rushes.evals.statistics import (
    Comparison,
    Share,
    compare,
    find_mcnemar,
    find_quantile,
    find_wilson,
)

COUNTS = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(COUNTS)
def test_wilson_is_scipys(counts: tuple[int, int]) -> None:
    hits, total = counts
    low, high = find_wilson(hits, total)
    theirs = binomtest(hits, total).proportion_ci(0.95, method="wilson")
    assert math.isclose(low, theirs.low, abs_tol=1e-9)
    assert math.isclose(high, theirs.high, abs_tol=1e-9)
    assert 0 <= low <= hits / total <= high <= 1


def test_of_nothing_nothing_is_known() -> None:
    assert Share(0, 0).value is None
    assert Share(0, 0).interval == (0.0, 1.0)


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_is_a_binomial_test_of_one_half(first: int, second: int) -> None:
    p = find_mcnemar(first, second)
    total = first + second
    assert math.isclose(p, binomtest(first, total).pvalue if total else 1.0, rel_tol=1e-9)
    assert p == find_mcnemar(second, first)


def test_thousands_of_questions_are_no_overflow() -> None:
    assert find_mcnemar(10_000, 10_000) == 1.0
    assert 0 <= find_mcnemar(4000, 10_000) < 1e-100


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1))
def test_a_difference_is_that_of_the_shares(pairs: list[tuple[bool, bool]]) -> None:
    found = compare("a", "b", [a for a, _ in pairs], [b for _, b in pairs])
    shares = sum(a for a, _ in pairs) / len(pairs), sum(b for _, b in pairs) / len(pairs)
    assert math.isclose(found.difference, shares[0] - shares[1], abs_tol=1e-12)
    assert found.total == len(pairs)


@pytest.mark.parametrize(("first", "second", "ties"), [(5, 0, True), (6, 0, False), (20, 9, True)])
def test_a_tie_is_what_chance_makes(first: int, second: int, ties: bool) -> None:
    assert Comparison("a", "b", first, second, 100).ties is ties


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.floats(0, 1))
def test_quantiles_are_numpys(values: list[float], share: float) -> None:
    import numpy as np

    assert find_quantile(values, share) == pytest.approx(np.quantile(values, share), abs=1e-6)
    assert find_quantile([], share) is None
