"""Marginal distribution functions of several log standard deviations psi, from points in psi."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mixed_glm import _core
from mixed_glm._posterior.quantiles import lattice_margins, margins_quantile
from mixed_glm._posterior.ridge_density import RidgeDensity, RidgeShape

Floats = npt.NDArray[np.float64]


def psi_margins(
    points: Floats, log_density: Floats, cell: Floats | None, ridge: RidgeDensity | None
) -> list[tuple[Floats, Floats]] | None:
    """Knots of each distribution function, and its values there; None where points are neither a lattice nor on ridges.

    Parameters
    ----------
    points : float array, shape (M, K)
    log_density : float array, shape (M,)
    cell : float array, shape (K, K), or None
        Edges of a cell of the lattice of points, as columns.
    ridge : RidgeDensity or None
    """
    if ridge is not None:
        return ridge.margins
    return None if cell is None else lattice_margins(points, log_density, cell)


def density_quantiles(density: _core.MarginalFit, levels: Sequence[float]) -> Floats:
    """Quantiles, shape (L, K), of what a fit with a lattice or with ridges knows of the density of psi."""
    points, shape = density.points_vcp, RidgeShape.of(density.ridge)
    ridge = None if shape is None else RidgeDensity.of(shape, density.weights, points)
    margins = psi_margins(points, density.points_log_density, density.cell, ridge)
    assert margins is not None
    return np.array([margins_quantile(margins, level) for level in levels])
