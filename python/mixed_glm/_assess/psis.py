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
    n = len(log_ratio)
    x = log_ratio - log_ratio.max()
    tail = min(n // 5, int(np.ceil(3.0 * np.sqrt(n))))
    order = np.argsort(x)
    k = np.inf
    if tail >= _FEWEST_TAIL:
        largest = order[-tail:]
        cutoff = max(x[order[-tail - 1]], np.log(np.finfo(float).tiny))
        excess = np.exp(x[largest]) - np.exp(cutoff)
        if excess[0] > 0.0 or excess[-1] > 0.0:
            k, scale = fit_pareto(np.maximum(excess, np.finfo(float).tiny))
            level = (np.arange(tail) + 0.5) / tail
            smoothed = np.log(_quantile(level, k, scale) + np.exp(cutoff))
            x[largest] = np.minimum(smoothed, 0.0)
        else:
            k = 0.0  # all equal: nothing to smooth
    return x - logsumexp(x), float(k)


def fit_pareto(values: Floats) -> tuple[float, float]:
    """Shape k and scale of a generalized Pareto distribution (Zhang and Stephens 2009, Technometrics 51, 316-325).

    The shape is drawn to 0.5 as by ten observations.

    Parameters
    ----------
    values : float array, shape (n,)
        Positive, in increasing order.
    """
    n = len(values)
    m = 30 + int(np.sqrt(n))
    b = 1.0 - np.sqrt(m / (np.arange(m) + 0.5))
    b = b / (_PRIOR_SCALE * values[int(n / 4 + 0.5) - 1]) + 1.0 / values[-1]
    k = np.log1p(-b[:, None] * values).mean(axis=1)
    profile = n * (np.log(-b / k) - k - 1.0)
    weights = np.exp(profile - logsumexp(profile))
    b_mean = float(b @ weights)
    shape = float(np.log1p(-b_mean * values).mean())
    scale = -shape / b_mean
    return (n * shape + 0.5 * _PRIOR_WEIGHT) / (n + _PRIOR_WEIGHT), scale


def _quantile(level: Floats, k: float, scale: float) -> Floats:
    if abs(k) < 1e-12:
        return np.asarray(-scale * np.log1p(-level))
    return np.asarray(scale * np.expm1(-k * np.log1p(-level)) / k)
