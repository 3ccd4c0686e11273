"""Few points that stand for the many that a fit integrated its hyperparameters with."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
import numpy.typing as npt

from mixed_glm._posterior.gauss import gauss_nodes

Floats = npt.NDArray[np.float64]

_LINE_NODES = 3  # of one hyperparameter: moments up to the fifth are right
_MOST_NODES = 20  # of several; but for those that moments up to the second need
_HIGHEST_DEGREE = 4


def log_sum_exp(values: Floats) -> Floats:
    """Logarithm of the sum of the exponentials of each row; scipy's looks at more cases, and takes ten times as long."""
    highest = values.max(axis=1, keepdims=True)
    return np.asarray(highest[:, 0] + np.log(np.exp(values - highest).sum(axis=1)))


@dataclass(frozen=True)
class Nodes:
    """Few points with the low moments of many.

    Attributes
    ----------
    points : float array, shape (s, d)
    weights : float array, shape (s,)
        Positive; they sum to one.
    quadratic : float array, shape (m, s)
        From values at the nodes to those of their quadratic regression at all points; no rows where the nodes themselves
        stand for all points.
    all_weights : float array, shape (m,)
    """

    points: Floats
    weights: Floats
    quadratic: Floats
    all_weights: Floats

    def log_mean_exp(self, values: Floats) -> Floats:
        """Log of the mean over all points of the exponential of smooth functions.

        Parameters
        ----------
        values : float array, shape (m, s)
            Of each function at the nodes.
        """
        if not len(self.quadratic):
            return log_sum_exp(values + np.log(self.weights))
        return log_sum_exp(values @ self.quadratic.T + np.log(self.all_weights))


def nodes_of(points: Floats, weights: Floats) -> Nodes:
    """Nodes and weights with the low moments of all points, so that means of smooth functions are those over all points.

    Parameters
    ----------
    points : float array, shape (m, d)
    weights : float array, shape (m,)
        Not negative; they sum to one.
    """
    from scipy.optimize import nnls  # slow to import

    used = weights > 0.0
    points, weights = points[used], weights[used] / weights[used].sum()
    m, d = points.shape
    none = np.zeros((0, 0))
    if d == 0 or m <= _LINE_NODES:
        return Nodes(points, weights, none, weights)
    if d == 1:
        nodes = gauss_nodes(points[:, 0], weights, _LINE_NODES)
        return Nodes(nodes.points[:, None], nodes.weights, none, weights)
    center = weights @ points
    scale = np.sqrt(weights @ (points - center) ** 2)
    z = (points - center) / np.where(scale > 0.0, scale, 1.0)
    found = nnls(*_moments(z, weights))[0]
    kept = found > 0.0
    found = found[kept] / found[kept].sum()
    return Nodes(points[kept], found, _quadratic(z, kept, found), weights)


def _quadratic(z: Floats, kept: npt.NDArray[np.bool_], weights: Floats) -> Floats:
    """The weighted regression of values at some points on monomials up to the second degree, at all points."""
    monomials = np.array(_monomials(z, 2)).T
    root = np.sqrt(weights)
    if np.linalg.matrix_rank(root[:, None] * monomials[kept]) < monomials.shape[1]:
        return np.zeros((0, 0))
    return np.asarray(monomials @ np.linalg.pinv(root[:, None] * monomials[kept]) * root)


def _moments(z: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Monomials of all points, shape (monomials, m), and their means.

    Weights that are not negative and have these means are those of no more points than there are monomials.
    """
    monomials = np.array(_monomials(z, _HIGHEST_DEGREE))
    return monomials, monomials @ weights


def _monomials(z: Floats, highest: int) -> list[Floats]:
    """Up to the highest degree that has not too many of them, and is two at least."""
    rows = [np.ones(len(z))]
    for degree in range(1, highest + 1):
        chosen = combinations_with_replacement(range(z.shape[1]), degree)
        more = [np.prod(z[:, factors], axis=1) for factors in chosen]
        if degree > 2 and len(rows) + len(more) > _MOST_NODES:
            break
        rows += more
    return rows
