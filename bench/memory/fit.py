"""Laws fitted to traced figures: sums of products of quantities, none of them negative."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import nnls

from rushes.catalogue.footprint import Law

Sample = tuple[Mapping[str, float], float]
"""Quantities, and the figure that was traced at them."""


def fit_law(samples: Sequence[Sample], kept_out: Sequence[Sample], products: Sequence[str]) -> Law:
    """The sum of ``products`` that misses the samples least, each in proportion to itself.

    Args:
        kept_out: samples that the fit does not see; the worst miss on them is the law's ``error``.
        products: such as ``"guided*cells"``; ``"1"`` is the constant.
    """
    units = {product: Law({product: 1.0}) for product in products}
    rows = np.array([[units[p].value(q) for p in products] for q, _ in samples], float)
    figures = np.array([max(figure, 1.0) for _, figure in samples], float)
    scale = np.maximum(rows.max(0), 1.0)
    weights, _ = nnls(rows / scale / figures[:, None], np.ones(len(figures)), maxiter=10_000)
    terms = {
        product: _round(weight)
        for product, weight in zip(products, weights / scale, strict=True)
        if weight > 0
    }
    law = Law(terms or {"1": 0.0})
    return Law(law.terms, error=round(worst_miss(law, kept_out), 4))


def worst_miss(law: Law, samples: Sequence[Sample]) -> float:
    """The largest relative difference of the law from the samples."""
    return max((abs(law.value(q) / max(y, 1.0) - 1) for q, y in samples), default=0.0)


def _round(value: float) -> float:
    return float(f"{value:.7g}")
