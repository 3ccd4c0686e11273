"""Quantiles and distribution functions of the marginal posteriors that a mixture over points in psi has."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline, RBFInterpolator
from scipy.special import ndtr, ndtri

Floats = npt.NDArray[np.float64]

_MOST_SKEWNESS = 0.8  # beyond, the expansions cease to be monotone
_MOST_Z = 5.0  # standard normal quantiles between which an expansion is inverted
_BISECTIONS = 45
_MOST_STEPS, _CLOSE = 100, 1e-10  # to a quantile; the last one, in standard deviations
_FINE_STEPS = 2000  # of the grid on which the density of a single psi is integrated
_MOST_FINE_POINTS = 60_000  # of a subdivided lattice


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
    """Quantiles of m mixtures of M components, by Newton's method between bounds, or bisection where that is slow.

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
    middle = weights @ means / weights.sum()
    scale = np.sqrt(weights @ (sds**2 + (means - middle) ** 2) / weights.sum())
    at = np.clip(middle + ndtri(level) * scale, low, high)
    last = high - low
    for _ in range(_MOST_STEPS):
        probability, density = _mixture_cdf(weights, means, sds, skewness, at)
        below = probability < level
        low, high = np.where(below, at, low), np.where(below, high, at)
        with np.errstate(divide="ignore", invalid="ignore"):
            new = at + (level - probability) / density
        fast = (new >= low) & (new <= high) & (np.abs(new - at) <= last / 2)
        new = np.where(fast, new, (low + high) / 2)
        last = np.abs(new - at)
        at = new
        if not (last > _CLOSE * scale).any():
            break
    return np.asarray(at)


def mixture_cdf(
    weights: Floats, means: Floats, sds: Floats, skewness: Floats | None, values: Floats
) -> Floats:
    """Probabilities that m mixtures of M components give to numbers below `values`, shape (m,)."""
    return _mixture_cdf(weights, means, sds, skewness, values)[0]


def _mixture_cdf(
    weights: Floats, means: Floats, sds: Floats, skewness: Floats | None, values: Floats
) -> tuple[Floats, Floats]:
    """Probabilities, and the densities at `values`."""
    x = (values - means) / sds
    probability, density = ndtr(x), np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    if skewness is not None:
        g = np.clip(skewness, -_MOST_SKEWNESS, _MOST_SKEWNESS) / 6
        probability = np.clip(probability - g * (x**2 - 1) * density, 0.0, 1.0)
        density = density * (1 + g * (x**3 - 3 * x))
    return np.asarray(weights @ probability), np.asarray(weights @ (density / sds))


def line_quantile(points: Floats, log_density: Floats, level: float) -> float:
    """Quantile of a density on the line, known by its logarithm at the points of a grid."""
    fine, cumulative = _line(points, log_density)
    return float(np.interp(level, cumulative, fine))


def line_cdf(points: Floats, log_density: Floats, value: float) -> float:
    """Probability of numbers below `value`; 0 or 1 outside the grid."""
    fine, cumulative = _line(points, log_density)
    return float(np.interp(value, fine, cumulative))


def _line(points: Floats, log_density: Floats) -> tuple[Floats, Floats]:
    """Fine points and the distribution function there."""
    fine, density = line_density(points, log_density)
    cumulative = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    return fine, cumulative / cumulative[-1]


def line_density(points: Floats, log_density: Floats) -> tuple[Floats, Floats]:
    """Equally spaced points and the density there, relative to its largest value at the points of the grid."""
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


def lattice_margins(points: Floats, log_density: Floats, cell: Floats) -> list[tuple[Floats, Floats]]:
    """Marginal distribution functions, each piecewise linear: its knots, and its values there."""
    fine, weights, edges = _lattice(points, log_density, cell)
    widths = np.sqrt((edges**2).sum(axis=1))  # with the variance that a cell has in each direction
    return [_spread(x, weights, width) for x, width in zip(fine.T, widths, strict=True)]


def _lattice(points: Floats, log_density: Floats, cell: Floats) -> tuple[Floats, Floats, Floats]:
    """Fine points of a lattice in K dimensions, their weights, and the edges of a fine cell.

    The logarithm of the density is interpolated by radial basis functions within the lattice's cells, which are
    subdivided.

    Parameters
    ----------
    points : float array, shape (M, K)
    log_density : float array, shape (M,)
    cell : float array, shape (K, K)
        Edges of a cell of the lattice, as columns.

    Returns
    -------
    float array, shape (F, K); float array, shape (F,); float array, shape (K, K)
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
    return fine, np.exp(log_fine - log_fine.max()), cell / parts


def _spread(values: Floats, weights: Floats, width: float) -> tuple[Floats, Floats]:
    """Knots and values of the distribution function of weighted points, each spread evenly over `width` around it.

    Spread they must be: where the lattice is parallel to the axes, many points have the same value.
    """
    knots = np.concatenate([values - width / 2, values + width / 2])
    order = np.argsort(knots)
    slopes = np.cumsum(np.concatenate([weights, -weights])[order])
    knots = knots[order]
    probability = np.concatenate([[0.0], np.cumsum(slopes[:-1] * np.diff(knots))])
    return knots, probability / probability[-1]
