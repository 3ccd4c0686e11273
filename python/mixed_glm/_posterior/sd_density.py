"""Marginal densities of single log standard deviations, as the quantiles have them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.integrate import trapezoid

from mixed_glm._posterior.mixture import MarginalPosterior
from mixed_glm._posterior.posterior import Posterior
from mixed_glm._posterior.quantiles import expansion, lattice_margins, line_density

Floats = npt.NDArray[np.float64]

_REACH = 5.0  # standard deviations of a Gaussian that are drawn to either side
_POINTS = 400
_BANDWIDTH = 0.3  # of the smoothing of a lattice's margins, in standard deviations


def psi_density(posterior: Posterior, fixed: int, component: int) -> tuple[Floats, Floats]:
    """Density of the log standard deviation psi of one component.

    Parameters
    ----------
    posterior : Posterior
    fixed : int
        Number of fixed effects, which come before the log standard deviations.
    component : int

    Returns
    -------
    psi, density : float arrays, shape (m,)
        Increasing values of psi, and its density there, normalized.
    """
    place = fixed + component
    if not isinstance(posterior, MarginalPosterior):
        return _expansion_density(posterior.mean[place], posterior.sd[place], 0.0)
    if posterior.cell is None:
        return _expansion_density(
            posterior.mean[place], posterior.sd[place], float(posterior.skewness[place])
        )
    if posterior.points.shape[1] == 1:
        psi, density = line_density(posterior.points[:, 0], posterior.log_density)
    else:
        margins = lattice_margins(posterior.points, posterior.log_density, posterior.cell)
        psi, density = _smoothed(*margins[component])
    return psi, density / trapezoid(density, psi)


def _expansion_density(mean: float, sd: float, skewness: float) -> tuple[Floats, Floats]:
    """Of the variate whose quantiles are those of `expansion_quantile`: dz/dx times the normal density of z."""
    z = np.linspace(-_REACH, _REACH, _POINTS)
    x = mean + sd * expansion(z, np.asarray(skewness))
    density = np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi) / np.gradient(x, z)
    return x, np.asarray(density)


def _smoothed(knots: Floats, probability: Floats) -> tuple[Floats, Floats]:
    """Density of a distribution function by a Gaussian kernel, with its mean and standard deviation."""
    edges = np.linspace(knots[0], knots[-1], _POINTS + 1)
    mass = np.diff(np.interp(edges, knots, probability))
    middle = (edges[1:] + edges[:-1]) / 2
    mean = mass @ middle
    shrinkage = 1.0 / np.sqrt(1.0 + _BANDWIDTH**2)
    width = _BANDWIDTH * shrinkage * np.sqrt(mass @ (middle - mean) ** 2)
    centre = mean + shrinkage * (middle - mean)
    x = np.linspace(centre[0] - 4 * width, centre[-1] + 4 * width, _POINTS)
    return x, np.asarray(np.exp(-0.5 * ((x[:, None] - centre) / width) ** 2) @ mass)
