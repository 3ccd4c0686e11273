"""Quantiles and distribution functions of the marginal posteriors that a mixture over points in psi has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from mixed_glm import _core

Floats = npt.NDArray[np.float64]

_MOST_SKEWNESS = 0.8  # beyond, the expansions cease to be monotone
_MOST_Z = 5.0  # standard normal quantiles between which an expansion is inverted
_BISECTIONS = 45
_FINE_STEPS = 2000  # of the grid on which the density of a single psi is integrated


def expansion_quantile(mean: Floats, sd: Floats, skewness: Floats, level: float | Floats) -> Floats:
    """Quantiles from three moments, elementwise."""
    return np.asarray(mean + sd * expansion(np.asarray(ndtri(level)), skewness))


def expansion(z: Floats, skewness: Floats) -> Floats:
    """Standardized variates of a given skewness from normal ones (Cornish and Fisher 1938)."""
    g = np.clip(skewness, -_MOST_SKEWNESS, _MOST_SKEWNESS)
    return np.asarray(z + (z**2 - 1) * g / 6 - (2 * z**3 - 5 * z) * g**2 / 36)


def expansion_cdf(mean: Floats, sd: Floats, skewness: Floats, values: Floats) -> Floats:
    """Probabilities of numbers below `values`, elementwise: `expansion_quantile` inverted by bisection."""
    low, high = np.full(len(mean), -_MOST_Z), np.full(len(mean), _MOST_Z)
    for _ in range(_BISECTIONS):
        z = (low + high) / 2
        below = expansion_quantile(mean, sd, skewness, ndtr(z)) < values
        low, high = np.where(below, z, low), np.where(below, high, z)
    return np.asarray(ndtr((low + high) / 2))


def mixture_quantile(
    weights: Floats, means: Floats, sds: Floats, skewness: Floats | None, level: float
) -> Floats:
    """Quantiles of m mixtures of M components.

    Parameters
    ----------
    weights : float array, shape (M,)
    means, sds, skewness : float array, shape (M, m)
        Components are skew-normal up to a skewness of 0.95, shifted log-normal beyond; None: normal. Shapes that
        broadcast to (M, m) will do.
    level : float

    Returns
    -------
    float array, shape (m,)
    """
    shape = np.broadcast(means, sds).shape
    mean, sd, third = (_columns(moment, shape) for moment in (means, sds, skewness))
    return _core.mixture_quantile(weights, mean, sd, third, np.full(shape[1], ndtri(level)))


def mixture_cdf(
    weights: Floats, means: Floats, sds: Floats, skewness: Floats | None, values: Floats
) -> Floats:
    """Probabilities that m mixtures of M components give to numbers below `values`, shape (m,)."""
    shape = np.broadcast(means, sds).shape
    mean, sd, third = (_columns(moment, shape) for moment in (means, sds, skewness))
    return _core.mixture_cdf(weights, mean, sd, third, values)


def _columns(moment: Floats | None, shape: tuple[int, ...]) -> Floats:
    """One column for each mixture; None: zeros."""
    return np.asfortranarray(np.broadcast_to(0.0 if moment is None else moment, shape))


def line_margin(points: Floats, log_density: Floats) -> tuple[Floats, Floats]:
    """Fine points and the distribution function there, of a density on the line that is known by its logarithm on a grid."""
    fine, density = line_density(points, log_density)
    cumulative = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    return fine, cumulative / cumulative[-1]


def line_density(points: Floats, log_density: Floats) -> tuple[Floats, Floats]:
    """Equally spaced points and the density there, relative to its largest value at the points of the grid."""
    from scipy.interpolate import CubicSpline  # slow to import

    order = np.argsort(points)
    x, f = points[order], log_density[order]
    fine = np.linspace(x[0], x[-1], _FINE_STEPS)
    return fine, np.exp(CubicSpline(x, f)(fine) - f.max())


def margins_quantile(margins: Sequence[tuple[Floats, Floats]], level: float) -> Floats:
    """Quantiles, shape (K,), of distribution functions that are piecewise linear."""
    return np.array([np.interp(level, probability, knots) for knots, probability in margins])


def margins_cdf(margins: Sequence[tuple[Floats, Floats]], values: Floats) -> Floats:
    """Probabilities, shape (K,), of numbers below `values`; the first or the last beyond the knots."""
    return np.array([np.interp(v, *margin) for v, margin in zip(values, margins, strict=True)])
