"""Marginal densities of single log standard deviations, as the quantiles have them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mixed_glm._posterior.quantiles import expansion

Floats = npt.NDArray[np.float64]

_REACH = 5.0  # standard deviations of a Gaussian that are drawn to either side
_POINTS = 400
ROUGH, SMOOTH = 0.3, 0.1  # bandwidths for margins of a sample and of a fine lattice, in standard deviations


def expansion_density(mean: float, sd: float, skewness: float) -> tuple[Floats, Floats]:
    """Of the variate whose quantiles are those of `expansion_quantile`: dz/dx times the normal density of z.

    Returns
    -------
    x, density : float arrays, shape (m,)
    """
    z = np.linspace(-_REACH, _REACH, _POINTS)
    x = mean + sd * expansion(z, np.asarray(skewness))
    density = np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi) / np.gradient(x, z)
    return x, np.asarray(density)


def smoothed_density(knots: Floats, probability: Floats, bandwidth: float = ROUGH) -> tuple[Floats, Floats]:
    """Density of a distribution function by a Gaussian kernel, with its mean and standard deviation.

    Returns
    -------
    x, density : float arrays, shape (m,)
        The density up to a factor.
    """
    edges = np.linspace(knots[0], knots[-1], _POINTS + 1)
    mass = np.diff(np.interp(edges, knots, probability))
    middle = (edges[1:] + edges[:-1]) / 2
    mean = mass @ middle
    shrinkage = 1.0 / np.sqrt(1.0 + bandwidth**2)
    width = bandwidth * shrinkage * np.sqrt(mass @ (middle - mean) ** 2)
    centre = mean + shrinkage * (middle - mean)
    x = np.linspace(centre[0] - 4 * width, centre[-1] + 4 * width, _POINTS)
    return x, np.asarray(np.exp(-0.5 * ((x[:, None] - centre) / width) ** 2) @ mass)
