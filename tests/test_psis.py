"""Pareto smoothing of importance ratios."""

from __future__ import annotations

import numpy as np
import pytest
from arviz_0 import arviz_0
from scipy import stats
from scipy.special import logsumexp

from mixed_glm._core import fit_pareto
from mixed_glm._posterior.psis import smooth_rows, smooth_weights


@pytest.mark.parametrize("k", [-0.2, 0.3, 0.9])
def test_pareto_fit(k: float) -> None:
    values = np.sort(stats.genpareto.rvs(k, scale=2.0, size=5000, random_state=1))
    shape, scale = fit_pareto(values)
    assert shape == pytest.approx(k, abs=0.06)
    assert scale == pytest.approx(2.0, rel=0.06)


@pytest.mark.parametrize("seed", range(3))
def test_smoothed_weights_are_those_of_arviz(seed: int) -> None:
    az = arviz_0()
    rng = np.random.default_rng(seed)
    log_ratio = stats.t.logpdf(x := rng.normal(size=2000), 3 + seed) - stats.norm.logpdf(x)
    ours, k = smooth_weights(log_ratio)
    theirs, their_k = az.psislw(log_ratio)
    assert k == pytest.approx(float(their_k), abs=1e-6)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_smoothed_weights_of_few_or_equal_ratios() -> None:
    log_weights, k = smooth_weights(np.zeros(1000))
    np.testing.assert_allclose(log_weights, -np.log(1000))
    assert k <= 0.0
    assert smooth_weights(np.arange(10.0))[1] == np.inf


def _row_by_row(log_ratio: np.ndarray) -> tuple[np.ndarray, float]:
    """Pareto smoothing as the paper has it, for one row."""
    n = len(log_ratio)
    x = log_ratio - log_ratio.max()
    tail = min(n // 5, int(np.ceil(3.0 * np.sqrt(n))))
    order = np.argsort(x)
    largest = order[-tail:]
    cutoff = np.exp(max(x[order[-tail - 1]], np.log(np.finfo(float).tiny)))
    excess = np.maximum(np.exp(x[largest]) - cutoff, np.finfo(float).tiny)
    k, scale = fit_pareto(excess)
    level = (np.arange(tail) + 0.5) / tail
    x[largest] = np.minimum(np.log(scale * np.expm1(-k * np.log1p(-level)) / k + cutoff), 0.0)
    return x - logsumexp(x), k


def test_smoothing_many_rows_is_smoothing_each() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_t(3, size=(50, 400)) * rng.uniform(0.1, 3.0, size=(50, 1))
    rows[7] = 0.0
    rows[8, :200] = -np.inf
    weights, k = smooth_rows(rows)
    assert k[7] == 0.0
    np.testing.assert_allclose(weights[7], -np.log(400), atol=1e-12)
    for i in (*range(7), *range(9, 50)):
        expected, shape = _row_by_row(rows[i])
        np.testing.assert_allclose(weights[i], expected, atol=1e-12)
        assert k[i] == pytest.approx(shape, abs=1e-12)
    assert np.isfinite(k[8])
    np.testing.assert_allclose(logsumexp(weights, axis=1), 0.0, atol=1e-12)
