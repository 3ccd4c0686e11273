"""Marginal distribution functions of several hyperparameters psi, from points in psi."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mixed_glm import _core
from mixed_glm._posterior.fine_lattice import FineLattice
from mixed_glm._posterior.psi_density import KnownDensity
from mixed_glm._posterior.quantiles import margins_quantile
from mixed_glm._posterior.ridge_density import RidgeDensity, RidgeShape
from mixed_glm._spec.layout import ParameterLayout

Floats = npt.NDArray[np.float64]
Margins = list[tuple[Floats, Floats]]


def known_density(
    points: Floats,
    weights: Floats,
    log_density: Floats,
    cell: Floats | None,
    axes: Floats | None,
    ridge: RidgeShape | None,
) -> KnownDensity | None:
    """The density that points tell; None where they are neither a lattice nor on ridges, or there are no hyperparameters.

    Parameters
    ----------
    points : float array, shape (M, K)
    weights, log_density : float array, shape (M,)
    cell : float array, shape (K, K), or None
        Edges of a cell of the lattice of points, as columns.
    axes : float array, shape (K, K), or None
        Whitened axes, in whose units the step of a lattice is told; None in old files.
    ridge : RidgeShape or None
    """
    if ridge is not None:
        return RidgeDensity.of(ridge, weights, points)
    if cell is None or not points.shape[1]:
        return None
    step = 1.0 if axes is None else float(np.linalg.norm(cell[:, 0]) / np.linalg.norm(axes[:, 0]))
    return FineLattice(points, log_density, cell, step**2)


def cor_margins(layout: ParameterLayout, margins: Margins | None, sample: Floats, weights: Floats) -> Margins:
    """Distribution functions of the correlations, piecewise linear.

    With two coordinates a correlation is the hyperbolic tangent of its hyperparameter; with more it depends on several, and a
    sample of their density tells.

    Parameters
    ----------
    sample : float array, shape (F, K)
    weights : float array, shape (F,)
        Probabilities of its points.
    """
    found = []
    for part, order in zip(layout.cor_slices(), layout.cor_orders, strict=True):
        if order == 2 and margins is not None:
            knots, below = margins[part.start]
            found.append((np.tanh(knots), below))
        else:
            found += [_of_sample(values, weights) for values in layout.told(sample)[:, part].T]
    return found


def _of_sample(values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(values, kind="stable")
    mass = weights[order]
    return values[order], np.cumsum(mass) - 0.5 * mass


def density_quantiles(density: _core.MarginalFit, layout: ParameterLayout, levels: Sequence[float]) -> Floats:
    """Quantiles, shape (L, d), of what a fit with a lattice or with ridges knows of the density of the hyperparameters.

    Correlations are told as such; see `ParameterLayout.told`.
    """
    known = known_density(
        density.points_vcp, density.weights, density.points_log_density, density.cell, density.mode_axes,
        RidgeShape.of(density.ridge),
    )  # fmt: skip
    assert known is not None
    margins = known.margins
    if layout.cor_orders:
        cor = cor_margins(layout, margins, known.sample, known.weights)
        margins = [*margins[: layout.k_vcp], *cor, *margins[layout.k_vcp + len(cor) :]]
    return np.array([margins_quantile(margins, level) for level in levels])
