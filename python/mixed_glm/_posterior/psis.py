"""Pareto smoothed importance sampling (Vehtari, Simpson, Gelman, Yao and Gabry 2024, JMLR 25:72)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mixed_glm import _core

Floats = npt.NDArray[np.float64]

GOOD_K = 0.7  # up to here estimates by importance sampling can be relied on
_FEWEST_TAIL = 5  # weights that a tail can be fitted to
LEAST_DRAWS = 5 * _FEWEST_TAIL  # that have such a tail


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
        Shape of the distribution: the weights have moments up to 1 / k. Infinite where there is no tail to fit, NaN where
        the largest ratio is not finite.
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
    return _core.smooth_rows(np.ascontiguousarray(log_ratio))
