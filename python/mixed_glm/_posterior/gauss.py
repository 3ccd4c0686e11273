"""Gauss quadrature of a discrete measure on the line: few points that stand for many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class GaussNodes:
    """Nodes with which sums over all points of polynomials up to degree 2 s - 1 are exact.

    Attributes
    ----------
    points, weights : float array, shape (s,)
        Weights are positive and sum to one.
    regression : float array, shape (s, m)
        From values at all points to those of their regression on polynomials of degree s - 1 at the nodes.
    """

    points: Floats
    weights: Floats
    regression: Floats

    def at_nodes(self, values: Floats) -> Floats:
        """Values of smooth functions at the nodes, shape (s, k), from those at all points, shape (m, k).

        The sums of each function are added in the order of the points, however many functions there are.
        """
        found = np.zeros((len(self.points), values.shape[1]))
        for column, value in zip(self.regression.T, values, strict=True):
            found += column[:, None] * value
        return found


def gauss_nodes(points: Floats, weights: Floats, count: int) -> GaussNodes:
    """Eigenvalues of the multiplication by the points among polynomials of low degree.

    Parameters
    ----------
    points : float array, shape (m,)
        No fewer different ones than `count`.
    weights : float array, shape (m,)
        Positive; they sum to one.
    count : int
    """
    centre = weights @ points
    scale = np.sqrt(weights @ (points - centre) ** 2)
    z = (points - centre) / (scale if scale > 0.0 else 1.0)
    root = np.sqrt(weights)
    basis = np.linalg.qr(root[:, None] * np.vander(z, count, increasing=True))[0]
    nodes, vectors = np.linalg.eigh(basis.T @ (z[:, None] * basis))
    polynomials = np.sign(basis[0, 0]) * vectors / vectors[0]  # at the nodes, as columns
    return GaussNodes(centre + scale * nodes, vectors[0] ** 2, polynomials.T @ (basis * root[:, None]).T)
