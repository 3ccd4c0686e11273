"""Quantiles of the marginal posteriors that a mixture over points in psi has."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline, RBFInterpolator
from scipy.special import ndtr, ndtri

Floats = npt.NDArray[np.float64]

_MOST_SKEWNESS = 0.8  # beyond, the expansions cease to be monotone
_BISECTIONS = 45
_FINE_STEPS = 2000  # of the grid on which the density of a single psi is integrated
_MOST_FINE_POINTS = 60_000  # of a subdivided lattice


def expansion_quantile(mean: Floats, sd: Floats, skewness: Floats, level: float) -> Floats:
    """Quantiles from three moments, elementwise (Cornish and Fisher 1938)."""
    z = ndtri(level)
    g = np.clip(skewness, -_MOST_SKEWNESS, _MOST_SKEWNESS)
    return np.asarray(mean + sd * (z + (z**2 - 1) * g / 6 - (2 * z**3 - 5 * z) * g**2 / 36))


def mixture_quantile(
    weights: Floats, means: Floats, sds: Floats, skewness: Floats | None, level: float
) -> Floats:
    """Quantiles of m mixtures of M components, by bisection.

    Parameters
    ----------
    weights : float array, shape (M,)
    means, sds, skewness : float array, shape (M, m)
        Components are normal, with an Edgeworth term for their skewness.
    level : float

    Returns
    -------
    float array, shape (m,)
    """
    z = abs(ndtri(level)) + 4.0
    low, high = (means - z * sds).min(axis=0), (means + z * sds).max(axis=0)
    g = 0.0 if skewness is None else np.clip(skewness, -_MOST_SKEWNESS, _MOST_SKEWNESS) / 6
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        x = (middle - means) / sds
        probability = ndtr(x) - g * (x**2 - 1) * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
        below = weights @ np.clip(probability, 0.0, 1.0) < level
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2)


def line_quantile(points: Floats, log_density: Floats, level: float) -> float:
    """Quantile of a density on the line, known by its logarithm at the points of a grid."""
    order = np.argsort(points)
    x, f = points[order], log_density[order]
    fine = np.linspace(x[0], x[-1], _FINE_STEPS)
    density = np.exp(CubicSpline(x, f)(fine) - f.max())
    cumulative = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    return float(np.interp(level, cumulative / cumulative[-1], fine))


def lattice_quantile(points: Floats, log_density: Floats, cell: Floats, level: float) -> Floats:
    """Marginal quantiles of a density known by its logarithm on a lattice in K dimensions.

    The logarithm is interpolated by radial basis functions within the lattice's cells, which are subdivided, and
    the fine points are summed.

    Parameters
    ----------
    points : float array, shape (M, K)
    log_density : float array, shape (M,)
    cell : float array, shape (K, K)
        Edges of a cell of the lattice, as columns.
    level : float

    Returns
    -------
    float array, shape (K,)
    """
    dimension = points.shape[1]
    parts = max(1, min(5, int((_MOST_FINE_POINTS / len(points)) ** (1 / dimension))))
    steps = (np.arange(parts) + 0.5) / parts - 0.5
    offsets = np.array(list(itertools.product(steps, repeat=dimension))) @ cell.T
    fine = (points[:, None, :] + offsets[None]).reshape(-1, dimension)
    to_lattice = np.linalg.inv(cell).T
    neighbours = min(len(points), 3**dimension + 1)
    surface = RBFInterpolator(points @ to_lattice, log_density, neighbors=neighbours, kernel="cubic")
    log_fine = surface(fine @ to_lattice)
    weights = np.exp(log_fine - log_fine.max())
    return np.array([weighted_quantile(column, weights, level) for column in fine.T])


def weighted_quantile(values: Floats, weights: Floats, level: float) -> float:
    """Quantile of weighted points, each weight spread to half way to its neighbours."""
    order = np.argsort(values)
    cumulative = np.cumsum(weights[order])
    middle = (cumulative - 0.5 * weights[order]) / cumulative[-1]
    return float(np.interp(level, middle, values[order]))
