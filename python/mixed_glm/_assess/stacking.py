"""Weights of models in the mixture of all that predicts best."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_TOLERANCE = 1e-9  # nats a row that weights may fall short of the best
_MOST_STEPS = 200
_LEAST_SHARE = 1e-3  # of a weight, that a step leaves: expectation maximization does not bring zeros back
_PROXIMAL = 1e-10  # holds weights that the data do not tell apart where they are


def stacking_weights(pointwise: Floats) -> Floats:
    """Weights of the mixture with the highest log predictive density (Yao et al. 2018): a concave function of them.

    From equal weights, steps of expectation maximization, which never fail, and Newton steps with weights that are not
    negative (Kim, Carbonetto, Stephens and Anitescu 2020): maximize mean(log(w @ density)) - sum(w), whose maximum sums to
    one. With gradients g of the first part, no weights that sum to one are better by more than max(g) - 1.

    Parameters
    ----------
    pointwise : float array, shape (models, nobs)
    """
    density = np.exp(pointwise - pointwise.max(axis=0))
    m, n = density.shape
    weights = np.full(m, 1.0 / m)
    for _ in range(_MOST_STEPS):
        ratio = density / (weights @ density)
        gradient = ratio.mean(axis=1)
        if gradient.max() <= 1.0 + _TOLERANCE:
            break
        weights = weights * gradient
        ratio = density / (weights @ density)
        gradient = ratio.mean(axis=1)
        step = _newton(ratio @ ratio.T / n, gradient, weights) - weights
        slope = max(0.0, float((gradient - 1.0) @ step))
        weights = weights + _length(density, weights, step, slope) * step
        weights /= weights.sum()
    return weights


def _newton(curvature: Floats, gradient: Floats, weights: Floats) -> Floats:
    """Weights that are not negative and maximize the quadratic expansion; ``curvature @ weights`` is the gradient."""
    from scipy.optimize import nnls  # slow to import

    small = _PROXIMAL * (curvature.diagonal() + 1.0)
    root = np.linalg.cholesky(curvature + np.diag(small)).T
    linear = 2.0 * gradient - 1.0 + small * weights
    found = nnls(root, np.linalg.solve(root.T, linear))[0]
    return np.asarray(np.maximum(found, _LEAST_SHARE * weights))


def _length(density: Floats, weights: Floats, step: Floats, slope: float) -> float:
    """How much of a step to go, so that the function increases enough."""

    def value(at: Floats) -> float:
        with np.errstate(divide="ignore"):
            return float(np.log(at @ density).mean() - at.sum())

    length, before = 1.0, value(weights)
    while length > 1e-10 and not value(weights + length * step) >= before + 0.01 * length * slope:
        length /= 2.0
    return length
