"""Marginal distribution functions of several hyperparameters psi, from points in psi."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mixed_glm import _core
from mixed_glm._posterior.psi_density import LatticeDensity, PsiDensity
from mixed_glm._posterior.quantiles import lattice_margins, margins_quantile
from mixed_glm._posterior.ridge_density import RidgeDensity, RidgeShape
from mixed_glm._spec.layout import ParameterLayout

Floats = npt.NDArray[np.float64]
Margins = list[tuple[Floats, Floats]]

_COR_SAMPLE = 8192  # points for the distribution of correlations


def psi_margins(
    points: Floats, log_density: Floats, cell: Floats | None, ridge: RidgeDensity | None
) -> Margins | None:
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


def lattice_density(points: Floats, log_density: Floats, cell: Floats, axes: Floats) -> LatticeDensity:
    """That of a lattice of points, whose step is told in the units of the whitened axes."""
    step = float(np.linalg.norm(cell[:, 0]) / np.linalg.norm(axes[:, 0]))
    return LatticeDensity(points, log_density, cell, step**2)


def cor_margins(layout: ParameterLayout, margins: Margins | None, density: PsiDensity) -> Margins:
    """Distribution functions of the correlations, piecewise linear.

    With two coordinates a correlation is the hyperbolic tangent of its hyperparameter; with more it depends on several, and a
    sample of their density tells.
    """
    if isinstance(density, RidgeDensity):
        sample = density.sample
    else:
        sample = density.draw(_COR_SAMPLE, np.random.default_rng(0)).psi
    probability = (np.arange(len(sample)) + 0.5) / len(sample)
    told = np.sort(layout.told(sample), axis=0)
    found = []
    for part, order in zip(layout.cor_slices(), layout.cor_orders, strict=True):
        if order == 2 and margins is not None:
            knots, below = margins[part.start]
            found.append((np.tanh(knots), below))
        else:
            found += [(told[:, j], probability) for j in range(part.start, part.stop)]
    return found


def density_quantiles(density: _core.MarginalFit, layout: ParameterLayout, levels: Sequence[float]) -> Floats:
    """Quantiles, shape (L, d), of what a fit with a lattice or with ridges knows of the density of the hyperparameters.

    Correlations are told as such; see `ParameterLayout.told`.
    """
    points, shape = density.points_vcp, RidgeShape.of(density.ridge)
    ridge = None if shape is None else RidgeDensity.of(shape, density.weights, points)
    log_density, cell = density.points_log_density, density.cell
    margins = psi_margins(points, log_density, cell, ridge)
    assert margins is not None
    found = np.array([margins_quantile(margins, level) for level in levels])
    if not layout.cor_orders:
        return found
    if ridge is not None:
        cor = cor_margins(layout, margins, ridge)
    else:
        assert cell is not None
        cor = cor_margins(layout, margins, lattice_density(points, log_density, cell, density.mode_axes))
    begin = layout.k_vcp
    found[:, begin : begin + len(cor)] = [margins_quantile(cor, level) for level in levels]
    return found
