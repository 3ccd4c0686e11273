"""Pareto smoothed importance sampling (Vehtari, Simpson, Gelman, Yao and Gabry 2024, JMLR 25:72).

ArviZ has the same; it is written again here because ArviZ is no dependency of ours, and these lines are few.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

Floats = npt.NDArray[np.float64]

GOOD_K = 0.7  # up to here estimates by importance sampling can be relied on
_FEWEST_TAIL = 5  # weights that a tail can be fitted to
LEAST_DRAWS = 5 * _FEWEST_TAIL  # that have such a tail
_PRIOR_SCALE, _PRIOR_WEIGHT = 3.0, 10.0
_ENTRIES = 2**20  # rows x shapes x values at a time
_TINY = np.finfo(float).tiny


def smooth_weights(log_ratio: Floats) -> tuple[Floats, float]:
    """Smooth the largest importance ratios by a generalized Pareto distribution.

    Parameters
    ----------
    log_ratio : float array, shape (n,)

    Returns
    -------
    log_weights : float array, shape (n,)
        Logarithms of weights that sum to one.
    k : float
        Shape of the distribution: the weights have moments up to 1 / k. Infinite where there is no tail to fit.
    """
    log_weights, k = smooth_rows(log_ratio[None])
    return log_weights[0], float(k[0])


def smooth_rows(log_ratio: Floats) -> tuple[Floats, Floats]:
    """Smooth the ratios of each row by themselves; see `smooth_weights`.

    Parameters
    ----------
    log_ratio : float array, shape (m, n)

    Returns
    -------
    float array, shape (m, n); float array, shape (m,)
    """
    m, n = log_ratio.shape
    x = log_ratio - log_ratio.max(axis=1, keepdims=True)
    tail = min(n // 5, int(np.ceil(3.0 * np.sqrt(n))))
    k = np.full(m, np.inf)
    if tail >= _FEWEST_TAIL:
        last = np.argpartition(x, n - tail - 1, axis=1)[:, n - tail - 1 :]
        order = np.take_along_axis(last, np.argsort(np.take_along_axis(x, last, axis=1), axis=1), axis=1)
        largest = order[:, 1:]
        cutoff = np.exp(np.maximum(np.take_along_axis(x, order[:, :1], axis=1), np.log(_TINY)))
        values = np.take_along_axis(x, largest, axis=1)
        excess = np.exp(values) - cutoff
        tailed = (excess[:, 0] > 0.0) | (excess[:, -1] > 0.0)
        k[~tailed] = 0.0  # all equal: nothing to smooth
        k[tailed], scale = _fit_rows(np.maximum(excess[tailed], _TINY))
        level = (np.arange(tail) + 0.5) / tail
        smoothed = np.log(_quantile(level, k[tailed, None], scale[:, None]) + cutoff[tailed])
        values[tailed] = np.minimum(smoothed, 0.0)
        np.put_along_axis(x, largest, values, axis=1)
    return x - logsumexp(x, axis=1, keepdims=True), k


def fit_pareto(values: Floats) -> tuple[float, float]:
    """Shape k and scale of a generalized Pareto distribution (Zhang and Stephens 2009, Technometrics 51, 316-325).

    The shape is drawn to 0.5 as by ten observations.

    Parameters
    ----------
    values : float array, shape (n,)
        Positive, in increasing order.
    """
    shape, scale = _fit_rows(values[None])
    return float(shape[0]), float(scale[0])


def _fit_rows(values: Floats) -> tuple[Floats, Floats]:
    """Shapes and scales of the distributions of the rows, shape (m,) each."""
    rows, n = values.shape
    size = max(1, _ENTRIES // (n * _candidates(n)))
    parts = [_fit_block(values[first : first + size]) for first in range(0, rows, size)]
    shape, scale = np.concatenate([np.empty((2, 0)), *parts], axis=1)
    return shape, scale


def _candidates(n: int) -> int:
    return 30 + int(np.sqrt(n))


def _fit_block(values: Floats) -> Floats:
    n = values.shape[1]
    m = _candidates(n)
    b = 1.0 - np.sqrt(m / (np.arange(m) + 0.5))
    b = b / (_PRIOR_SCALE * values[:, int(n / 4 + 0.5) - 1, None]) + 1.0 / values[:, -1:]
    k = np.log1p(-b[:, :, None] * values[:, None, :]).mean(axis=2)
    profile = n * (np.log(-b / k) - k - 1.0)
    weights = np.exp(profile - logsumexp(profile, axis=1, keepdims=True))
    b_mean = (b * weights).sum(axis=1)
    shape = np.log1p(-b_mean[:, None] * values).mean(axis=1)
    scale = -shape / b_mean
    return np.stack([(n * shape + 0.5 * _PRIOR_WEIGHT) / (n + _PRIOR_WEIGHT), scale])


def _quantile(level: Floats, k: Floats, scale: Floats) -> Floats:
    straight = np.abs(k) < 1e-12
    safe = np.where(straight, 1.0, k)
    bent = scale * np.expm1(-safe * np.log1p(-level)) / safe
    return np.asarray(np.where(straight, -scale * np.log1p(-level), bent))
