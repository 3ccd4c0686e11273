"""Few points that stand for the many that a fit integrated its hyperparameters with."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

Floats = npt.NDArray[np.float64]

_LINE_NODES = 3  # of one hyperparameter: moments up to the fifth are right
_MOST_NODES = 20  # of several; but for those that moments up to the second need
_HIGHEST_DEGREE = 4


def nodes_of(points: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Nodes and weights with the low moments of all points, so that means of smooth functions are those over all points.

    Parameters
    ----------
    points : float array, shape (m, d)
    weights : float array, shape (m,)
        Not negative; they sum to one.

    Returns
    -------
    nodes : float array, shape (s, d)
    weights : float array, shape (s,)
        Positive; they sum to one.
    """
    used = weights > 0.0
    points, weights = points[used], weights[used] / weights[used].sum()
    m, d = points.shape
    if d == 0 or m <= _LINE_NODES:
        return points, weights
    center = weights @ points
    scale = np.sqrt(weights @ (points - center) ** 2)
    z = (points - center) / np.where(scale > 0.0, scale, 1.0)
    if d == 1:
        nodes, weights = _gauss(z[:, 0], weights)
        return center + scale * nodes[:, None], weights
    found = nnls(*_moments(z, weights))[0]
    kept = found > 0.0
    return points[kept], found[kept] / found[kept].sum()


def _gauss(z: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Gauss quadrature of a discrete measure: eigenvalues of multiplication by z among polynomials of low degree."""
    root = np.sqrt(weights)
    basis = np.linalg.qr(root[:, None] * np.vander(z, _LINE_NODES, increasing=True))[0]
    nodes, vectors = np.linalg.eigh(basis.T @ (z[:, None] * basis))
    return nodes, vectors[0] ** 2


def _moments(z: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Monomials of all points, shape (monomials, m), and their means.

    Weights that are not negative and have these means are those of no more points than there are monomials.
    """
    d = z.shape[1]
    rows = [np.ones(len(z))]
    for degree in range(1, _HIGHEST_DEGREE + 1):
        more = [np.prod(z[:, chosen], axis=1) for chosen in combinations_with_replacement(range(d), degree)]
        if degree > 2 and len(rows) + len(more) > _MOST_NODES:
            break
        rows += more
    monomials = np.array(rows)
    return monomials, monomials @ weights
